"""The byte encoders: what padding and batch mates may not change, and words read once as if each were read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from mere.nn.encoders import ByteStreamEncoder, ByteWordsEncoder, Encoder
from mere.nn.encoders.words import NUM_BYTES, WordReader

WIDTH = 6
LENGTHS = [5, 1, 3]
IS_PIECE = torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]
BYTE = ord("a") + 1


def words_encoder(*, byte_dropout: float = 0.0, word_layers: int = 2) -> ByteWordsEncoder:
    torch.manual_seed(0)
    return ByteWordsEncoder(
        width=WIDTH,
        byte_dim=5,
        word_dim=6,
        word_layers=word_layers,
        dim=8,
        layers=2,
        dropout=0.0,
        byte_dropout=byte_dropout,
    )


def stream_encoder(*, byte_dropout: float = 0.0) -> ByteStreamEncoder:
    torch.manual_seed(0)
    return ByteStreamEncoder(byte_dim=5, dim=8, layers=3, dropout=0.0, byte_dropout=byte_dropout)


def words(seed: int = 0) -> Tensor:
    """Words of one byte to `WIDTH`, some of them several times, and whether a space stands before: (B, P, F)."""
    generator = torch.Generator().manual_seed(seed)
    stock = torch.randint(1, NUM_BYTES - 1, (6, WIDTH), generator=generator)
    length = torch.tensor([1, 2, 3, 4, 6, 6])[:, None]
    stock = torch.where(torch.arange(WIDTH) < length, stock, 0)
    chosen = stock[torch.randint(0, len(stock), IS_PIECE.shape, generator=generator)]
    glue = torch.randint(1, 3, (*IS_PIECE.shape, 1), generator=generator)
    return torch.cat([chosen, glue], -1) * IS_PIECE[..., None]


def stream(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, NUM_BYTES - 1, (*IS_PIECE.shape, 1), generator=generator) * IS_PIECE[..., None]


Make = Callable[..., Encoder]
BOTH = pytest.mark.parametrize(
    ("make", "pieces"),
    [(words_encoder, words()), (stream_encoder, stream())],
    ids=["byte-words", "byte-stream"],
)


@torch.no_grad()
def read(encoder: Encoder, pieces: Tensor, is_piece: Tensor = IS_PIECE) -> Tensor:
    return encoder(pieces, is_piece)


@BOTH
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_padding_and_batch_mates_change_nothing(make: Make, pieces: Tensor, mode: str) -> None:
    encoder = make().train(mode == "train")
    together = read(encoder, pieces)
    assert together.shape == (3, 5, encoder.dim)
    assert torch.isfinite(together).all()
    for row, length in enumerate(LENGTHS):
        one = slice(row, row + 1)
        alone = read(encoder, pieces[one, :length], torch.ones(1, length, dtype=torch.bool))
        torch.testing.assert_close(together[one, :length], alone, atol=1e-6, rtol=0)
    wider = nn.functional.pad(pieces, (0, 0, 0, 4))
    longer = read(encoder, wider, nn.functional.pad(IS_PIECE, (0, 4)))
    torch.testing.assert_close(longer[:, :5][IS_PIECE], together[IS_PIECE], atol=1e-6, rtol=0)


@BOTH
def test_every_piece_sees_its_whole_sentence_and_no_other(make: Make, pieces: Tensor) -> None:
    encoder = make().eval()
    before = read(encoder, pieces)
    for place in range(LENGTHS[0]):
        other = pieces.clone()
        other[0, place, 0] = other[0, place, 0] % 200 + 1
        moved = (read(encoder, other) - before).abs().amax(-1) > 1e-7
        assert moved[0].all()
        assert not (moved[1:] & IS_PIECE[1:]).any()


@BOTH
def test_a_hidden_byte_reads_as_any_other(make: Make, pieces: Tensor) -> None:
    """With every byte hidden two texts of one shape read the same, in training only."""
    encoder = make(byte_dropout=1 - 1e-9)
    content = pieces[..., :1] if pieces.shape[-1] == 1 else pieces[..., :-1]
    other = pieces.clone()
    other[..., : content.shape[-1]] = torch.where(content > 0, content % 200 + 1, 0)
    encoder.train()
    torch.testing.assert_close(read(encoder, pieces)[IS_PIECE], read(encoder, other)[IS_PIECE])
    encoder.eval()
    assert not torch.allclose(read(encoder, pieces)[IS_PIECE], read(encoder, other)[IS_PIECE])


@BOTH
def test_gradients_reach_every_parameter(make: Make, pieces: Tensor) -> None:
    encoder = make()
    encoder(pieces, IS_PIECE)[IS_PIECE].square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.any(), name


@pytest.mark.parametrize("layers", [1, 2])
def test_a_word_is_the_final_states_of_torchs_own_bilstm(layers: int) -> None:
    """The states h_n of every layer and direction, over packed words: nobody's padding in them."""
    torch.manual_seed(1)
    ours = WordReader(byte_dim=5, dim=6, layers=layers)
    theirs = nn.LSTM(5, 3, num_layers=layers, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for layer, (ahead, back) in enumerate(zip(ours.forwards, ours.backwards, strict=True)):
            for suffix, module in (("", ahead), ("_reverse", back)):
                for name, parameter in module.named_parameters():
                    getattr(theirs, name.replace("l0", f"l{layer}{suffix}")).copy_(parameter)
        distinct = words()[IS_PIECE][:, :-1]
        lengths = (distinct > 0).sum(1)
        packed = pack_padded_sequence(ours.table(distinct), lengths, batch_first=True, enforce_sorted=False)
        states = theirs(packed)[1][0]  # (2 * layers, W, 3)
        expected = states.transpose(0, 1).flatten(1)
        assert ours.dim == expected.shape[1]
        torch.testing.assert_close(ours(distinct), expected, atol=1e-6, rtol=0)


def test_reading_distinct_words_equals_reading_each_word() -> None:
    """Where bytes may be hidden every word is read for itself; so rarely that none is, the vectors are the same."""
    pieces = words()
    assert len(torch.unique(pieces[IS_PIECE][:, :-1], dim=0)) < IS_PIECE.sum()
    each = read(words_encoder(byte_dropout=1e-12).train(), pieces)
    distinct = read(words_encoder(byte_dropout=1e-12).eval(), pieces)
    torch.testing.assert_close(each[IS_PIECE], distinct[IS_PIECE], atol=1e-6, rtol=0)


def test_a_space_before_a_word_is_seen() -> None:
    encoder, pieces = words_encoder().eval(), words()
    other = pieces.clone()
    other[0, 2, -1] = 3 - other[0, 2, -1]
    assert (read(encoder, other) - read(encoder, pieces))[0].abs().amax() > 1e-4


def test_a_batch_of_one_byte() -> None:
    for encoder, piece in ((words_encoder(), [BYTE] + [0] * (WIDTH - 1) + [1]), (stream_encoder(), [BYTE])):
        found = read(encoder.eval(), torch.tensor([[piece]]), torch.ones(1, 1, dtype=torch.bool))
        assert torch.isfinite(found).all()
