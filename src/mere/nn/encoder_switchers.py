"""Switchers inside the encoder, LS (box "Switcher", METHOD §1 stage 2): adapters in its layers, or LoRA.

    x -> what a module inside reads      h -> what it writes      k -> the language of the row
    adapters    after each layer      h + Up_k GELU(Down_k norm(h))     (Bapna and Firat 2019, section 3.1)
    LoRA        at a linear layer     h + B_k A_k x                     (Hu et al. 2021, section 4.1)

One adapter follows a layer's feed-forward part, as in Pfeiffer et al. 2021 (Houlsby et al. 2019 has a second one
after the attention). The encoder keeps its form and the names of its weights: what languages add are hooks that
ask for the row's language (mere.nn.routing). Every language begins by changing nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.errors import ConfigError, nearest
from mere.nn.encoders.base import Encoder
from mere.nn.lora import initial_factors
from mere.nn.routing import Route, Site, routed
from mere.nn.switcher import Bottleneck, LanguageSwitcher, module_name, of_rows, refined


class Parts(nn.Module):
    """One language's sub-modules, under the names of the encoder's modules that they go with."""

    def __init__(self, at: Mapping[str, nn.Module]):
        super().__init__()
        self.at = dict(at)
        for name in sorted(at):  # so that a module comes before those inside it
            *path, leaf = name.split(".")
            parent: nn.Module = self
            for step in path:
                if step not in dict(parent.named_children()):
                    parent.add_module(step, nn.Module())
                parent = parent.get_submodule(step)
            parent.add_module(leaf, at[name])


class InsideSwitcher(LanguageSwitcher):
    """A switcher inside the encoder: sites where languages act, and the route of each row to its language.

    Args:
        encoder: gets a hook at every site; it is not part of the switcher.
        sites: names of modules in it, with the width that each writes and the one that it reads.
        size: width or rank of what a language has at a site.
        languages: codes in the order of `lang_id` 1, 2, ….
    """

    def __init__(
        self, *, encoder: Encoder, sites: Mapping[str, tuple[int, int]], size: int, languages: Sequence[str]
    ):
        super().__init__()
        self.sites = dict(sites)
        self.size = size
        self.one_language_at_a_time = bool(encoder.read_by_all() & sites.keys())
        for name in sites:
            encoder.get_submodule(name).register_forward_hook(Site(name))
        for lang in languages:
            self.add(lang)

    def fresh(self) -> nn.Module:
        return Parts({name: self.new_part(*widths) for name, widths in self.sites.items()})

    @abstractmethod
    def new_part(self, outputs: int, inputs: int) -> nn.Module:
        """Return a language's new module at a site, which changes nothing yet."""

    @abstractmethod
    def change(self, input: Tensor, output: Tensor, weight: Callable[[str], Tensor]) -> Tensor:
        """Return what is added to a module's output; `weight` gives the rows' parameters by name."""

    def part(self, lang: str, site: str) -> nn.Module:
        """Return a language's module at a site."""
        parts = self.of[module_name(lang)]
        assert isinstance(parts, Parts)
        return parts.at[site]

    def encode(
        self,
        encoder: Encoder,
        pieces: Int[Tensor, "B P F"],
        is_piece: Bool[Tensor, "B P"],
        lang_id: Int[Tensor, " B"],
    ) -> Float[Tensor, "B P D"]:
        ids = lang_id.tolist()
        if len(set(ids)) == 1 or not self.one_language_at_a_time:
            with routed(self._route(ids, lang_id.device)):
                return encoder(pieces, is_piece)
        rows = [(lang_id == id).nonzero().squeeze(1) for id in sorted(set(ids))]
        encoded = [self.encode(encoder, pieces[row], is_piece[row], lang_id[row]) for row in rows]
        return torch.cat(encoded)[torch.cat(rows).argsort()]

    def route_by_row(self, lang_id: Int[Tensor, " B"]) -> Route:
        """Return a route that holds for rows in any languages, as a graph needs it: all languages are at hand."""
        return Route(self._changed, self.languages, lang_id - 1, is_uniform=False)

    def _route(self, ids: list[int], device: torch.device) -> Route | None:
        present = sorted(set(ids) - {0})
        if not present:
            return None
        row = torch.tensor([present.index(id) if id else -1 for id in ids], device=device)
        languages = tuple(self.languages[id - 1] for id in present)
        return Route(self._changed, languages, row, is_uniform=len(set(ids)) == 1)

    def _changed(self, site: str, input: Tensor, output: Tensor, route: Route) -> Tensor:
        """Return a module's output with the change of each row's language; other rows keep their bits."""
        route.refuse_other_rows(site, output)
        parts = [self.part(lang, site) for lang in route.languages]
        if route.is_uniform:
            return output + self.change(input, output, partial(getattr, parts[0])).to(output.dtype)
        change = self.change(input, output, of_rows(parts, route.row.clamp(min=0))).to(output.dtype)
        return torch.where((route.row >= 0)[:, None, None], output + change, output)


class AdapterSwitcher(InsideSwitcher):
    """A bottleneck per language after each layer of the encoder.

    Args:
        width: of the bottlenecks.
        modules: names of the modules that bottlenecks follow instead of layers, or their last parts.

    Raises:
        ConfigError: the encoder's layers are not known, or a module is not in it.
    """

    def __init__(
        self, *, encoder: Encoder, width: int, languages: Sequence[str], modules: Sequence[str] | None = None
    ):
        known = dict(encoder.named_modules())
        found = list(_layers(encoder, "adapters")) if modules is None else _named(known, modules)
        sites = {}
        for name in found:
            dim = int(getattr(known[name], "out_features", encoder.dim))
            sites[name] = (dim, dim)
        super().__init__(encoder=encoder, sites=sites, size=width, languages=languages)

    def new_part(self, outputs: int, inputs: int) -> nn.Module:
        return Bottleneck(dim=outputs, width=self.size)

    def change(
        self, input: Tensor, output: Float[Tensor, "B P D"], weight: Callable[[str], Tensor]
    ) -> Float[Tensor, "B P D"]:
        return refined(output, weight)


class Factors(nn.Module):
    """A language's change of a linear layer: B (`up`, outputs x rank) times A (`down`, rank x inputs)."""

    def __init__(self, *, outputs: int, inputs: int, rank: int):
        super().__init__()
        down, up = initial_factors(outputs, inputs, rank)
        self.down, self.up = nn.Parameter(down), nn.Parameter(up)


class LoraSwitcher(InsideSwitcher):
    """A low-rank change per language of the linear layers of the encoder's attention and feed-forward parts.

    The paper's scale alpha / r is 1, as in mere.nn.lora.

    Args:
        rank: r of every change.
        modules: names of the linear layers that are changed instead of all in all layers, or their last parts.

    Raises:
        ConfigError: the encoder's layers are not known, or a module is not a linear layer in it.
    """

    def __init__(
        self, *, encoder: Encoder, rank: int, languages: Sequence[str], modules: Sequence[str] | None = None
    ):
        linear = {name: m for name, m in encoder.named_modules() if isinstance(m, nn.Linear)}
        if modules is None:
            layers = tuple(f"{layer}." for layer in _layers(encoder, "lora"))
            found = [name for name in linear if name.startswith(layers)]
        else:
            found = _named(linear, modules)
        sites = {name: (linear[name].out_features, linear[name].in_features) for name in found}
        super().__init__(encoder=encoder, sites=sites, size=rank, languages=languages)

    def new_part(self, outputs: int, inputs: int) -> nn.Module:
        return Factors(outputs=outputs, inputs=inputs, rank=self.size)

    def changes(self, lang: str) -> dict[str, tuple[Tensor, Tensor]]:
        """Return a language's B and A by site."""
        parts = {site: self.part(lang, site) for site in self.sites}
        return {site: (part.get_parameter("up"), part.get_parameter("down")) for site, part in parts.items()}

    def change(
        self, input: Float[Tensor, "*B P I"], output: Tensor, weight: Callable[[str], Tensor]
    ) -> Float[Tensor, "*B P O"]:
        return (input @ weight("down").transpose(-1, -2)) @ weight("up").transpose(-1, -2)


def _layers(encoder: Encoder, kind: str) -> Mapping[str, nn.Module]:
    layers = encoder.layers()
    if not layers:
        names = sorted({n.rpartition(".")[2] for n, m in encoder.named_modules() if isinstance(m, nn.Linear)})
        raise ConfigError(
            f"switcher.kind {kind}: it is not known which modules of this encoder are its layers. Name the modules "
            f"that a language changes, for example switcher.modules=[{', '.join(names[:3]) or 'NAME'}] (its linear "
            f"layers are called {', '.join(names) or 'nothing: it has none'}), or take switcher.kind=bottleneck."
        )
    return layers


def _named(known: Mapping[str, nn.Module], names: Sequence[str]) -> list[str]:
    """Return the modules with one of these names, or names that end in them, in the encoder's order."""
    for given in names:
        if not any(_is_called(name, given) for name in known):
            lasts = {name.rpartition(".")[2] for name in known if name}
            raise ConfigError(
                f'switcher.modules: the encoder has no fitting module "{given}".{nearest(given, lasts)} '
                f"There are: {', '.join(sorted(lasts - {str(i) for i in range(100)}))}."
            )
    return [name for name in known if any(_is_called(name, given) for given in names)]


def _is_called(name: str, given: str) -> bool:
    return name == given or name.endswith(f".{given}")
