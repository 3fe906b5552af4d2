import itertools

import pandas as pd
import pytest

from normenc import controls
from normenc.csv_tables import encoder_columns, encoders_of, read_table, write_table
from normenc.encoders import EncoderId, EncoderKind, Naming
from normenc.errors import InputError
from normenc.study import Study, control_representing, representing

LAYER = EncoderId("tilt", "CNN", "fc", EncoderKind.TRAINED, 12)
PIXELS = EncoderId(None, "pixels", "pixels", EncoderKind.CONTROL)
FITTED = EncoderId(None, "point readout", "output", EncoderKind.FITTED, 0)
IMAGENET = EncoderId(None, "AlexNet", "relu", EncoderKind.PRETRAINED)


@pytest.mark.parametrize(
    ("naming", "labels"),
    [
        (Naming(), ["fc", "fc, untrained", "pixels", "point readout", "relu, pretrained"]),
        (Naming(with_network=True), ["CNN fc", "CNN fc, untrained", "pixels", "point readout"]),
        (Naming(with_task=True), ["tilt CNN fc", "fc, untrained", "pixels", "point readout"]),
        (Naming(True, True), ["tilt CNN fc", "CNN fc, untrained", "pixels", "point readout"]),
        (Naming(layered=frozenset({"pixels"})), ["fc", "fc, untrained", "pixels pixels", "point readout"]),
    ],
)
def test_labels_tell_task_and_network_where_there_are_several(naming, labels):
    encoders = [LAYER, LAYER.twin, PIXELS, FITTED, IMAGENET]
    assert [naming.label(encoder) for encoder in encoders][: len(labels)] == labels


def test_what_a_set_of_encoders_needs_tells_all_of_them_apart():
    tasks, nets, layers = ("a", "b"), ("X", "Y"), ("pool", "fc")
    trained = [EncoderId(*own, EncoderKind.TRAINED, 1) for own in itertools.product(tasks, nets, layers)]
    controls = [EncoderId(None, "filters", layer, EncoderKind.CONTROL) for layer in ("one", "two")]
    encoders = [*trained, *{encoder.twin for encoder in trained}, *controls, PIXELS, FITTED]
    naming = Naming.of(encoders)
    assert naming == Naming(True, True, frozenset({"filters"}))
    for name in (naming.label, naming.key):
        assert len({name(encoder) for encoder in encoders}) == len(encoders)
    assert Naming.of([LAYER, LAYER.twin, PIXELS]) == Naming()


def test_networks_of_seeds_and_twins_have_files_of_their_own():
    naming = Naming(with_task=True)
    whole = EncoderId("tilt", "small CNN", None, EncoderKind.TRAINED, 12)
    assert naming.file_stem(whole).startswith("tilt_small_CNN-") and naming.file_stem(whole).endswith("_seed12")
    assert naming.file_stem(EncoderId("tilt", "FC", None, EncoderKind.TRAINED, 1).twin) == "FC_seed1_untrained"
    assert naming.file_stem(FITTED) == "fitted_point_readout_seed0"
    assert naming.label(whole) == "tilt small CNN"


def test_identities_come_back_from_a_table_whatever_they_are_called(tmp_path):
    odd = EncoderId("=1+1", "NA", "007, untrained", EncoderKind.TRAINED, 4)
    encoders = [LAYER, LAYER.twin, PIXELS, FITTED, IMAGENET, odd, EncoderId("t", "N", None, EncoderKind.TRAINED, None)]
    columns = encoder_columns(encoders, [Naming().label(encoder) for encoder in encoders])
    others = encoder_columns(encoders[::-1], ["x"] * len(encoders), other=True)
    write_table(pd.DataFrame(columns | others), tmp_path / "table.csv")
    back = read_table(tmp_path / "table.csv")
    assert encoders_of(back) == encoders
    assert encoders_of(back, other=True) == encoders[::-1]


@pytest.mark.parametrize(("kind", "said"), [("trained", "'trained'"), (None, "nan|None"), (True, "True")])
def test_what_is_no_kind_is_refused(kind, said):
    table = pd.DataFrame(encoder_columns([LAYER], ["fc"]))
    table["kind"] = pd.Series([kind], dtype=object)
    with pytest.raises(
        InputError, match=f"column kind holds ({said}), which is not a kind of encoder; the kinds are trai"
    ):
        encoders_of(table)
    with pytest.raises(
        InputError, match="no column 'network'; the columns task, network, layer, kind, seed identify encoders"
    ):
        encoders_of(table.drop(columns="network"))


def test_layers_of_one_control_are_encoders_of_their_own(monkeypatch):
    def halves(images):
        return {"left": images[:, :, :16].flatten(1), "right": images[:, :, 16:].flatten(1)}

    monkeypatch.setitem(controls.CONTROLS, "pixels", halves)
    study = Study(stimuli={"resolution": 0.05}, comparison={"controls": ["pixels", "Fourier amplitude"]})
    found = control_representing.control_representations(representing.prepare(study))
    assert [r.label for r in found] == ["pixels left", "pixels right", "Fourier amplitude"]
    assert [r.key for r in found] == ["pixels_left", "pixels_right", "Fourier_amplitude"]
    assert {r.encoder.kind for r in found} == {EncoderKind.CONTROL}
