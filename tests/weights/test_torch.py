"""The same weights in NumPy and in torch.nn compute the same, and nothing is lost on the way."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib.numpy import GRU, LSTM, RNN, Bidirectional, Dense, Stacked
from lstmlib.weights import from_torch, to_torch

TORCH = {"RNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}
networks = {
    "kind": st.sampled_from(sorted(TORCH)),
    "D": st.integers(1, 5),
    "H": st.integers(1, 6),
    "layers": st.integers(1, 3),
    "bidirectional": st.booleans(),
    "seed": st.integers(0, 999),
}


def module(kind, D, H, layers, bidirectional):
    return TORCH[kind](D, H, layers, bidirectional=bidirectional, dtype=torch.float64)


def tensors(state_dict):
    return {name: torch.tensor(a) for name, a in state_dict.items()}


def assert_same_arrays(a, b):
    assert list(a) == list(b)
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def assert_same_outputs(numpy_network, torch_module, T, B, D, seed):
    x = np.random.default_rng(seed).normal(size=(T, B, D))
    ours, _ = numpy_network.forward(x)
    theirs, _ = torch_module(torch.tensor(x))
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-12 * np.abs(theirs).max()


@given(**networks, T=st.integers(1, 6), B=st.integers(1, 4))
@settings(max_examples=60)
def test_numpy_to_torch(network, kind, D, H, layers, bidirectional, seed, T, B):
    numpy_network = network(kind, D, H, layers, bidirectional, seed)
    torch_module = module(kind, D, H, layers, bidirectional)
    torch_module.load_state_dict(tensors(to_torch(numpy_network.params)))
    assert_same_outputs(numpy_network, torch_module, T, B, D, seed)


@given(**networks, T=st.integers(1, 6), B=st.integers(1, 4))
@settings(max_examples=60)
def test_torch_to_numpy(network, kind, D, H, layers, bidirectional, seed, T, B):
    torch.manual_seed(seed)
    torch_module = module(kind, D, H, layers, bidirectional)  # both biases drawn, none 0
    numpy_network = network(kind, D, H, layers, bidirectional, seed)
    params = from_torch(torch_module.state_dict())
    assert list(params) == list(numpy_network.params)
    for name, a in params.items():
        numpy_network.params[name][...] = a
    assert_same_outputs(numpy_network, torch_module, T, B, D, seed)


@given(**networks)
@settings(max_examples=60)
def test_round_trip_is_exact(network, kind, D, H, layers, bidirectional, seed):
    params = network(kind, D, H, layers, bidirectional, seed).params
    assert_same_arrays(from_torch(to_torch(params)), params)


def test_order_of_names_does_not_matter(network):
    params = network("GRU", 2, 3, 2, True, 0).params
    state_dict = to_torch(params)
    assert_same_arrays(from_torch(dict(reversed(state_dict.items()))), params)
    assert_same_arrays(to_torch(dict(reversed(params.items()))), state_dict)


def test_float32_stays_float32():
    params = LSTM(2, 3, rng=np.random.default_rng(0), dtype=np.float32).params
    state_dict = to_torch(params)
    assert {a.dtype for a in state_dict.values()} == {np.dtype(np.float32)}
    assert_same_arrays(from_torch(state_dict), params)


@pytest.mark.parametrize("layer", [LSTM, Dense])
def test_results_are_copies(layer):
    params = layer(2, 3, rng=np.random.default_rng(0)).params
    before = {name: a.copy() for name, a in params.items()}
    state_dict = to_torch(params)
    back = from_torch(state_dict)
    for a in [*state_dict.values(), *back.values()]:
        a[...] = 7.0
    assert_same_arrays(params, before)


def test_dense():
    dense = Dense(3, 2, rng=np.random.default_rng(0))
    linear = torch.nn.Linear(3, 2, dtype=torch.float64)
    linear.load_state_dict(tensors(to_torch(dense.params)))
    x = np.random.default_rng(1).normal(size=(4, 3))
    theirs = linear(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(dense.forward(x), theirs, rtol=0, atol=1e-12)
    assert_same_arrays(from_torch(linear.state_dict()), dense.params)


def test_biases_of_gru_stay_apart_only_where_they_act_apart():
    gru = torch.nn.GRU(2, 1)
    with torch.no_grad():
        gru.bias_ih_l0[...] = torch.tensor([1.0, 2.0, 3.0])
        gru.bias_hh_l0[...] = torch.tensor([10.0, 20.0, 30.0])
    params = from_torch(gru.state_dict())
    np.testing.assert_array_equal(params["b"], [11, 22, 3])
    np.testing.assert_array_equal(params["b_hn"], [30])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bias": False}, r"layer 0, forward.*missing bias_hh, bias_ih, unknown none"),
        ({"proj_size": 2}, r"unknown weight_hr"),
    ],
)
def test_torch_layers_that_numpy_has_not(options, said):
    with pytest.raises(ValueError, match=said):
        from_torch(torch.nn.LSTM(2, 3, **options).state_dict())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("weight_hh_l0"), "missing weight_hh"),
        (lambda s: s.update(lstm=s["bias_ih_l0"]), "unknown name 'lstm'.*'weight_ih_l0'"),
        (lambda s: s.update(weight_ih_l0=np.ones((12, 2, 1))), r"W_x has shape \(12, 2, 1\)"),
        (
            lambda s: s.update(weight_ih_l0=np.ones((2, 12))),
            r"W_x has shape \(2, 12\).*LSTM with 3",
        ),
        (
            lambda s: s.update(weight_hh_l0=np.ones((6, 3))),
            r"W_h has shape \(6, 3\).*1, 3 or 4 gates",
        ),
        (lambda s: s.update(bias_hh_l0=np.ones(9)), r"two biases of shape \(12,\).*\(9,\)"),
        (lambda s: s.update({"weight_ih_l2": np.ones((12, 3))}), "layer 2, forward.*missing"),
        (lambda s: s.clear(), "expected the weights of layers 0, 1.*got none"),
    ],
)
def test_bad_state_dicts(change, said):
    state_dict = dict(torch.nn.LSTM(2, 3).state_dict())
    change(state_dict)
    with pytest.raises(ValueError, match=said):
        from_torch(state_dict)


def test_a_layer_left_out_of_a_stack():
    state_dict = torch.nn.LSTM(2, 3, 3).state_dict()
    with pytest.raises(ValueError, match="0 forward, 2 forward"):
        from_torch({name: a for name, a in state_dict.items() if not name.endswith("_l1")})


def test_bad_linear():
    with pytest.raises(ValueError, match=r"W \(K, D\) and b \(K,\), got \(2, 3\) and \(3,\)"):
        from_torch({"weight": np.ones((2, 3)), "bias": np.ones(3)})
    with pytest.raises(ValueError, match="missing bias"):
        from_torch(torch.nn.Linear(2, 3, bias=False).state_dict())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.pop("b"), "missing b,"),
        (lambda p: p.pop("W_h"), "missing W_h"),
        (lambda p: p.update(b_hn=np.ones(3)), "unknown b_hn"),
        (lambda p: p.update({"U.W_x": p["W_x"]}), "unknown name 'U.W_x'"),
        (lambda p: p.update({"forward.b": p["b"]}), "'forward.b' names weights that another"),
        (lambda p: p.update(W_x=p["W_x"].T), r"W_x has shape \(2, 12\)"),
        (lambda p: p.update(W_h=p["W_h"].T), r"W_h has shape \(3, 12\)"),
        (lambda p: p.update(b=np.ones(3)), r"b has shape \(3,\).*expected \(12,\)"),
    ],
)
def test_bad_params(change, said):
    params = LSTM(2, 3, rng=np.random.default_rng(0)).params
    change(params)
    with pytest.raises(ValueError, match=said):
        to_torch(params)


def test_stacks_that_torch_has_not():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="got GRU of 3 units, LSTM of 3 units"):
        to_torch(Stacked([LSTM(2, 3, rng=rng), GRU(3, 3, rng=rng)]).params)
    with pytest.raises(ValueError, match="got RNN of 3 units, RNN of 4 units"):
        to_torch(Bidirectional(RNN(2, 3, rng=rng), RNN(2, 4, rng=rng)).params)
    with pytest.raises(ValueError, match="all in one direction or of all in two"):
        to_torch(
            Stacked(
                [Bidirectional(RNN(2, 3, rng=rng), RNN(2, 3, rng=rng)), RNN(6, 3, rng=rng)]
            ).params
        )


def test_directions_that_read_different_inputs():
    forward, backward = (LSTM(D, 3, rng=np.random.default_rng(0)).params for D in (2, 4))
    params = {f"forward.{name}": a for name, a in forward.items()}
    params |= {f"backward.{name}": a for name, a in backward.items()}
    with pytest.raises(ValueError, match=r"layer 0, backward: W_x has shape \(12, 4\).*\(12, 2\)"):
        to_torch(params)
