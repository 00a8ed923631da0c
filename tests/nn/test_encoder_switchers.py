"""Switchers inside the encoder: each row by its language, however rows, windows, threads and copies mix."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("transformers")

from mere.errors import ModelError
from mere.models.delta import specialised
from mere.nn.encoder_switchers import InsideSwitcher
from mere.nn.encoders import Encoder
from tests import checkpoints
from tests.nn.encoder_switcher_examples import KINDS, LANG_ID, LANGUAGES, TEXTS, close, inside


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@torch.no_grad()
def test_a_mixed_batch_is_its_rows_one_by_one(family, kind, folders):
    made, pieces = checkpoints.encoder(folders[family])
    switcher = inside(kind, made)
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    mixed = switcher.encode(made, given, is_piece, LANG_ID)
    for row in range(len(TEXTS)):
        one = slice(row, row + 1)
        alone = switcher.encode(made, given[one], is_piece[one], LANG_ID[one])
        close(mixed[row][is_piece[row]], alone[0][is_piece[row]])
    others = switcher.encode(made, given, is_piece, LANG_ID.roll(1))
    assert all((mixed[row] - others[row])[is_piece[row]].abs().max() > 0.01 for row in range(len(TEXTS)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@torch.no_grad()
def test_the_universal_path_and_a_fresh_switcher_are_the_encoder_bit_for_bit(family, kind, folders):
    plain, pieces = checkpoints.encoder(folders[family])
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    expected = plain(given, is_piece)
    made, _ = checkpoints.encoder(folders[family])
    names = set(made.state_dict())
    fresh = inside(kind, made, moved=False)
    assert torch.equal(
        fresh.encode(made, given, is_piece, torch.tensor([3, 1, 3, 2, 1]))[is_piece], expected[is_piece]
    )
    assert set(made.state_dict()) == names, "the encoder keeps the names of its weights"
    made, _ = checkpoints.encoder(folders[family])
    moved = inside(kind, made)
    assert torch.equal(moved.encode(made, given, is_piece, torch.zeros(5, dtype=torch.long)), expected)
    assert torch.equal(made(given, is_piece), expected)
    if (
        not moved.one_language_at_a_time
    ):  # else its rows are a batch of their own, which rounds in its own way
        mixed = moved.encode(made, given, is_piece, LANG_ID)
        assert torch.equal(mixed[2][is_piece[2]], expected[2][is_piece[2]])


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_in_half_precision_too(kind, folders):
    plain, pieces = checkpoints.encoder(folders["bert"])
    made, _ = checkpoints.encoder(folders["bert"])
    switcher = inside(kind, made)
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    exact = switcher.encode(made, given, is_piece, LANG_ID)
    with torch.autocast("cpu", torch.bfloat16):
        half, universal = switcher.encode(made, given, is_piece, LANG_ID), plain(given, is_piece)
    assert torch.equal(half[2][is_piece[2]], universal[2][is_piece[2]])
    assert half.dtype == universal.dtype
    torch.testing.assert_close(half.float()[is_piece], exact[is_piece], atol=0.1, rtol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_in_several_windows_takes_one_route(kind, folders):
    made, pieces = checkpoints.encoder(folders["xlm-roberta"], max_pieces=40)
    switcher = inside(kind, made)
    long = " ".join(checkpoints.TEXTS)
    given, is_piece = checkpoints.padded(pieces, [TEXTS[0], long, TEXTS[1]])
    assert int((given[1] > 0).sum()) > 2 * made.size
    lang_id = torch.tensor([1, 3, 0])
    with torch.no_grad():
        mixed = switcher.encode(made, given, is_piece, lang_id)
        for row in range(3):
            one = slice(row, row + 1)
            alone = switcher.encode(made, given[one], is_piece[one], lang_id[one])
            close(mixed[row][is_piece[row]], alone[0][is_piece[row]])


def gradients(made: Encoder, switcher: InsideSwitcher) -> dict[str, Tensor]:
    parameters = [*made.named_parameters(), *switcher.named_parameters()]
    return {name: p.grad.clone() for name, p in parameters if p.grad is not None}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_checkpointed_layers_are_computed_again_by_the_same_route(family, kind, folders):
    """Two batches, by other languages, before the first backward; and two backwards through one graph."""
    found = []
    for on in (False, True):
        made, pieces = checkpoints.encoder(folders[family], gradient_checkpointing=on, dropout=0.0)
        switcher = inside(kind, made).train()
        made.train()
        given, is_piece = checkpoints.padded(pieces, TEXTS)
        one = switcher.encode(made, given, is_piece, LANG_ID)[is_piece].square().sum()
        other = switcher.encode(made, given, is_piece, LANG_ID.roll(2))[is_piece].sin().sum()
        one.backward(retain_graph=True)
        other.backward()
        one.backward()
        found.append(gradients(made, switcher))
    assert found[0].keys() == found[1].keys()
    assert any(name.startswith("of.type_.") for name in found[0])
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_rows_go_through_is_trained_and_nothing_below(kind, folders):
    made, pieces = checkpoints.encoder(folders["bert"])
    switcher = inside(kind, made)
    made.requires_grad_(False)
    seen: list[bool] = []
    made.backbone.embeddings.register_forward_hook(lambda *call: seen.append(call[2].requires_grad))
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    vectors = switcher.encode(made, given, is_piece, torch.tensor([3, 1, 0, 3, 1]))
    vectors[is_piece].square().sum().backward()
    assert seen == [False], "no gradient goes into the embeddings"
    own = {name.split(".")[1] for name in gradients(made, switcher)}
    assert own == {"de", "ja"}
    assert all(p.grad is None for p in made.parameters())


def test_threads_do_not_see_each_others_languages(folders):
    made, pieces = checkpoints.encoder(folders["bert"])
    switcher = inside("lora", made)
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    routes = [torch.full((5,), lang_id) for lang_id in range(4)]
    with torch.no_grad():
        expected = [switcher.encode(made, given, is_piece, route) for route in routes]
    begin, right = threading.Barrier(4), [0] * 4

    def work(place: int) -> None:
        with torch.no_grad():
            begin.wait()
            for _ in range(10):
                found = switcher.encode(made, given, is_piece, routes[place])
                right[place] += int(torch.equal(found, expected[place]))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [10] * 4


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_language_added_later_changes_no_bit_of_the_others(kind, folders):
    made, pieces = checkpoints.encoder(folders["xlm-roberta"])
    switcher = inside(kind, made)
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    before = switcher.encode(made, given, is_piece, LANG_ID)
    switcher.add("uk", like="ja")
    switcher.add("pl")
    assert switcher.languages == (*LANGUAGES, "uk", "pl")
    assert torch.equal(switcher.encode(made, given, is_piece, LANG_ID), before)
    uk, ja, pl, universal = (
        switcher.encode(made, given, is_piece, torch.full((5,), lang_id))[is_piece]
        for lang_id in (4, 3, 5, 0)
    )
    assert torch.equal(uk, ja)
    assert torch.equal(pl, universal)


class Both(nn.Module):
    """An encoder and what is inside it, as a model has them."""

    def __init__(self, made: Encoder, switcher: InsideSwitcher):
        super().__init__()
        self.encoder, self.switcher = made, switcher

    def forward(self, given: Tensor, is_piece: Tensor, lang_id: Tensor) -> Tensor:
        return self.switcher.encode(self.encoder, given, is_piece, lang_id)


@torch.no_grad()
def test_a_copy_with_weights_of_its_own_goes_by_its_own_switcher(folders):
    made, pieces = checkpoints.encoder(folders["bert"])
    model = Both(made, inside("lora", made))
    given = (*checkpoints.padded(pieces, TEXTS), LANG_ID)
    before = model(*given)
    name = "switcher.of.de.backbone.encoder.layer.0.attention.self.value.up"
    own = specialised(model, {name: model.get_parameter(name) + 1})
    assert torch.equal(model(*given), before)
    after = own(*given)
    changed = [(after[row] - before[row])[given[1][row]].abs().max() > 1e-3 for row in range(5)]
    assert changed == (LANG_ID == 1).tolist()


@torch.no_grad()
def test_rows_that_are_not_sentences_are_refused_where_languages_mix(folders):
    made, pieces = checkpoints.encoder(folders["bert"])

    class Flat(nn.Module):
        """A layer that reads all pieces of a batch as one row, as unpadded implementations do."""

        def __init__(self, inner: nn.Linear):
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x.flatten(0, 1)[None]).view(*x.shape[:2], -1)

    layer = made.backbone.encoder.layer[0].intermediate
    layer.dense = Flat(layer.dense)
    switcher = inside("lora", made)
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    with pytest.raises(
        ModelError, match=r"intermediate\.dense\.inner writes \[1, \d+, 64\], and the batch has 5 rows"
    ):
        switcher.encode(made, given, is_piece, LANG_ID)
    switcher.encode(made, given, is_piece, torch.full((5,), 2))
