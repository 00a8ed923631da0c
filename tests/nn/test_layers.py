"""Routing, padding and concatenation: what each box may and may not let through."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mere.nn.aggregator import Aggregator
from mere.nn.recurrent import BiLSTM, reversal
from mere.nn.switcher import Switcher
from mere.nn.transformer import Transformer

LENGTHS = torch.tensor([7, 2, 5, 1])
IS_PIECE = torch.arange(7)[None] < LENGTHS[:, None]


def randomise(module: nn.Module) -> nn.Module:
    """Take a module away from its identity start, or the tests would hold trivially."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.3)
    return module.eval()


def test_reversal_mirrors_each_row_and_leaves_padding():
    assert reversal(IS_PIECE)[2].tolist() == [4, 3, 2, 1, 0, 5, 6]


def test_bilstm_equals_torchs_packed_bidirectional_lstm():
    ours = BiLSTM(input_dim=6, dim=8, layers=2, dropout=0.0).eval()
    theirs = nn.LSTM(6, 4, num_layers=2, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for layer, (ahead, back) in enumerate(zip(ours.forwards, ours.backwards, strict=True)):
            for name, parameter in ahead.named_parameters():
                getattr(theirs, name.replace("l0", f"l{layer}")).copy_(parameter)
            for name, parameter in back.named_parameters():
                getattr(theirs, name.replace("l0", f"l{layer}_reverse")).copy_(parameter)
    x = torch.randn(4, 7, 6)
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    expected = pad_packed_sequence(theirs(packed)[0], batch_first=True)[0]
    torch.testing.assert_close(ours(x, IS_PIECE)[IS_PIECE], expected[IS_PIECE])


@pytest.mark.parametrize("context", ["bilstm", "transformer"])
def test_padding_reaches_no_piece(context):
    torch.manual_seed(0)
    layer = (
        BiLSTM(input_dim=8, dim=16, layers=2, dropout=0.0)
        if context == "bilstm"
        else Transformer(input_dim=8, dim=16, layers=2, heads=2, dropout=0.0)
    ).eval()
    x = torch.randn(4, 7, 8)
    noise = torch.where(IS_PIECE[..., None], x, torch.randn_like(x) * 100)
    torch.testing.assert_close(layer(x, IS_PIECE)[IS_PIECE], layer(noise, IS_PIECE)[IS_PIECE])
    alone = layer(x[1:2, :2], IS_PIECE[1:2, :2])
    torch.testing.assert_close(layer(x, IS_PIECE)[1, :2], alone[0], atol=1e-5, rtol=1e-4)


def aggregator(**changes) -> Aggregator:
    settings = {"dim": 16, "layers": 2, "heads": 2, "dropout": 0.0, "across_sentences": True} | changes
    return Aggregator(**settings)


def test_aggregator_begins_as_the_identity():
    x = torch.randn(4, 7, 16)
    torch.testing.assert_close(aggregator()(x, IS_PIECE, 2), x, atol=0, rtol=0)


def test_aggregator_lets_a_group_see_itself_and_nothing_else():
    layer = randomise(aggregator())
    x = torch.randn(4, 7, 16)
    before = layer(x, IS_PIECE, 2)
    changed = x.clone()
    changed[1, 0] = torch.randn(16)  # a piece of the first group's second sentence
    after = layer(changed, IS_PIECE, 2)
    assert (after[0] - before[0])[:7].abs().min(0).values.max() > 0  # its neighbour saw it
    torch.testing.assert_close(after[2:], before[2:], atol=0, rtol=0)  # the second group did not


def test_blocking_attention_across_sentences_equals_standing_alone():
    blocked = randomise(aggregator(across_sentences=False))
    x = torch.randn(4, 7, 16)
    torch.testing.assert_close(blocked(x, IS_PIECE, 2), blocked(x, IS_PIECE, 1), atol=0, rtol=0)


def test_a_sentence_in_a_group_does_not_depend_on_the_order_of_the_others():
    layer = randomise(aggregator())
    x = torch.randn(3, 7, 16)
    mask = IS_PIECE[:3]
    order = [0, 2, 1]
    straight, swapped = layer(x, mask, 3), layer(x[order], mask[order], 3)
    torch.testing.assert_close(straight[0, :7], swapped[0, :7], atol=1e-5, rtol=1e-4)


def test_switcher_begins_as_the_identity_and_lang_0_stays_so():
    x = torch.randn(4, 7, 16)
    layer = Switcher(dim=16, width=4, languages=["de", "hi", "ja"])
    torch.testing.assert_close(layer(x, torch.tensor([1, 2, 3, 0])), x, atol=0, rtol=0)
    moved = randomise(layer)(x, torch.tensor([1, 2, 3, 0]))
    torch.testing.assert_close(moved[3], x[3], atol=0, rtol=0)
    assert not torch.equal(moved[0], x[0])


def test_a_mixed_batch_equals_one_language_at_a_time():
    layer = randomise(Switcher(dim=16, width=4, languages=["de", "hi", "ja"]))
    x = torch.randn(4, 7, 16)
    lang_id = torch.tensor([3, 1, 0, 2])
    mixed = layer(x, lang_id)
    for row in range(4):
        torch.testing.assert_close(mixed[row : row + 1], layer(x[row : row + 1], lang_id[row : row + 1]))


def test_a_language_added_later_changes_no_bit_of_the_others():
    before = randomise(Switcher(dim=16, width=4, languages=["de", "hi"]))
    after = randomise(Switcher(dim=16, width=4, languages=["de", "hi", "uk"]))
    for lang in ("de", "hi"):
        after.of[lang].load_state_dict(before.of[lang].state_dict())
    x = torch.randn(3, 7, 16)
    lang_id = torch.tensor([1, 2, 0])
    assert torch.equal(before(x, lang_id), after(x, lang_id))


def test_only_the_rows_of_a_language_train_its_switcher():
    layer = randomise(Switcher(dim=16, width=4, languages=["de", "hi"]))
    layer(torch.randn(2, 7, 16), torch.tensor([1, 0])).sum().backward()
    assert layer.of["de"].up.grad.abs().sum() > 0
    assert layer.of["hi"].up.grad.abs().sum() == 0


def test_a_language_may_be_named_like_a_method():
    layer = Switcher(dim=16, width=4, languages=["to", "de", "type"])
    layer.add("pop", like="to")
    assert layer.languages == ("to", "de", "type", "pop")
    x = torch.randn(4, 7, 16)
    assert torch.equal(layer(x, torch.tensor([1, 2, 3, 4])), x), "identity at the start"
    assert "of.de.up" in layer.state_dict()
