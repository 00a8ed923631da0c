"""A model folder onto the Hugging Face Hub: what would go there, and the one commit that puts it there."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mere
from mere import hub
from mere.config.tree import leaves
from mere.errors import MereError, ModelError, UserError
from mere.hub import HubName
from mere.store.card import loaded_as
from mere.store.fetch import find_model
from mere.store.files import CARD, FORMAT, PATTERNS, SUMS, compare_all, read_json

_ABSOLUTE = re.compile(r"(/|~|[A-Za-z]:\\)\S")


@dataclass(frozen=True)
class Upload:
    """The files of a whole model folder.

    Args:
        sizes: bytes by name, of every file that goes. left_out: what else lies in the folder.
        paths: of this machine, that config.json names.
    """

    folder: Path
    sizes: dict[str, int]
    left_out: tuple[str, ...]
    paths: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path) -> Upload:
        """Look at a model folder, and compare every file with its SHA-256.

        Raises:
            ModelError: it is no model folder, of another version, or a file is missing, cut short or altered.
        """
        folder = find_model(folder)
        config = read_json(folder / "config.json")
        if config.get("format") != FORMAT:
            raise ModelError(
                f"{folder / 'config.json'}: format {config.get('format')!r}, this mere pushes {FORMAT}. "
                "Train the model again."
            )
        here = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        models = sorted(name for name in here - {CARD, SUMS} if _is_ours(name))
        if SUMS not in here:
            raise ModelError(
                f"{folder}: an earlier mere wrote this model, without {SUMS}. If it gives what it should, run: "
                f"(cd {folder} && sha256sum {' '.join(models)} > {SUMS})"
            )
        names = sorted({*compare_all(folder), SUMS, *here & {CARD}})
        return cls(
            folder,
            {name: (folder / name).stat().st_size for name in names},
            tuple(sorted(here - set(names))),
            tuple(v for _, v in leaves(config.get("recipe")) if isinstance(v, str) and _ABSOLUTE.match(v)),
        )


def push(upload: Upload, name: str, *, private: bool = False, message: str = "") -> str:
    """Put a model onto the hub in one commit, and return the address of that commit.

    The repository is made where there is none. Files of an earlier model that this one has not are deleted. The
    token comes from HF_TOKEN or from `hf auth login`.

    Args:
        name: "org/name". private: nobody else may see it. message: of the commit.

    Raises:
        UserError: the name is none; there is no token, or it may not write there; it is there and public,
            while `private` was asked for; or the hub refuses the card.
        MereError: the hub cannot be reached, or fails.
    """
    repo = repo_of(name)
    library = hub.library(repo)
    if library.constants.HF_HUB_OFFLINE:
        raise UserError(
            f"{repo}: HF_HUB_OFFLINE is set, so nothing can be pushed. Run it with HF_HUB_OFFLINE=0."
        )
    if not (token := library.get_token()):
        raise UserError(f"{repo}: no token to push with. {hub.TOKEN}")
    api = library.HfApi(token=token, library_name="mere", library_version=mere.__version__)
    try:
        api.create_repo(repo, private=private or None, exist_ok=True)
        info = api.model_info(repo)
        if private and not info.private:
            raise UserError(
                f"{repo}: is on the hub already, and public. Make it private there, leave --private out, or "
                "choose another name."
            )
        there = [file.rfilename for file in info.siblings or ()]
        commit = api.create_commit(
            repo,
            _operations(library, upload, repo, there),
            commit_message=message or f"Upload a model with mere {mere.__version__}",
        )
    except MereError:
        raise
    except Exception as error:  # the hub's, httpx's, the disk's: what `_refusal` does not know goes on
        if (refusal := _refusal(repo, error)) is None:
            raise
        raise refusal from error
    return str(commit.commit_url)


def repo_of(name: str) -> str:
    """Return a name of the form org/name.

    Raises:
        UserError: it is none.
    """
    parsed = HubName.parse(name)
    if parsed is None or parsed.revision is not None:
        raise UserError(f'"{name}": give the name on the hub as org/name, org being yours or a user\'s name.')
    return parsed.repo


def _is_ours(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in PATTERNS)


def _operations(library: Any, upload: Upload, repo: str, there: list[str]) -> list[Any]:
    add, delete = library.CommitOperationAdd, library.CommitOperationDelete
    operations = [
        add(path_in_repo=name, path_or_fileobj=str(upload.folder / name))
        for name in upload.sizes
        if name != CARD
    ]
    if CARD in upload.sizes:
        text = (upload.folder / CARD).read_text(encoding="utf-8")
        operations.append(add(path_in_repo=CARD, path_or_fileobj=loaded_as(text, repo).encode()))
    stale = [name for name in there if _is_ours(name) and name not in upload.sizes and name != CARD]
    return [*operations, *(delete(path_in_repo=name) for name in stale)]


def _refusal(repo: str, error: Exception) -> MereError | None:
    """Say why the hub did not take a model, and what to do; None where the fault is not the hub's."""
    code, org = hub.status(error), repo.partition("/")[0]
    if hub.is_unreachable(error):
        return MereError(
            f"{repo}: the hub cannot be reached ({hub.said(error)}). Run the same command again."
        )
    if code == 401:
        return UserError(f"{repo}: the hub does not know the token (401). {hub.TOKEN}")
    if code in (403, 404):
        return UserError(
            f'{repo}: the hub has no namespace "{org}" that this token may write to ({code}: {hub.said(error)}). '
            "Check the name, and the token: hf auth whoami"
        )
    if isinstance(error, ValueError):  # a name that the hub does not allow, or the card's front matter
        return UserError(
            f"{repo}: the hub refuses it ({' '.join(str(error).split())}). Mend it and push again."
        )
    if code is not None:
        return MereError(
            f"{repo}: the hub answers with an error ({code}: {hub.said(error)}). Push again later."
        )
    return None
