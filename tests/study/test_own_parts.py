"""Anyone's task, network, control and measure: named by import path, checked, and found in all results of a run."""

import html
import pickle
import re
import shlex
import shutil
import signal
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from normenc import cli, report, rsa
from normenc.csv_tables import read_table
from normenc.errors import InputError
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import upper
from normenc.study import Study, load_study, own_code, own_measures, prepare, provenance
from normenc.study.control_representing import control_representations
from normenc.study.represented import represent
from normenc.study.sweep import train_units
from normenc.study.units import Unit

PAGE = (Path(__file__).parents[2] / "docs" / "own_parts.md").read_text(encoding="utf-8")
LAB, STUDY, COMMAND = (
    re.search(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)[1] for language in ("python", "toml", "bash")
)
SMALL = """
recording = { source = "simulated-v1", n_neurons = 20, bin_width = 30 }
stimuli = { resolution = 0.03 }
training = { n_epochs = 1, batch_size = 10 }
"""
TASK = 'task = { name = "my_lab:CoarseOrFine", n_train = 20, n_test = 20 }\n'
FC = 'network = { name = "FC" }\n'
LIGHT = 'comparison = { controls = ["my_lab:light"] }\n'


@contextmanager
def forgotten_afterwards():
    """What is imported within is forgotten when it ends."""
    known = dict(rsa.MEASURES)
    with pytest.MonkeyPatch.context() as here:
        here.setattr(sys, "path", sys.path.copy())
        yield here
    forget()
    rsa.MEASURES.clear()
    rsa.MEASURES.update(known)
    own_measures.IMPORTED.clear()


@pytest.fixture
def lab(tmp_path):
    """An empty folder; modules that are imported from it are forgotten afterwards."""
    with forgotten_afterwards():
        yield tmp_path


def forget():
    """Own modules, as in a Python that starts anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("my_lab", "helper")]:
        del sys.modules[name]
    own_code.SEEN.clear()
    own_code.READ.clear()


def write(folder: Path, study: str, code: str = LAB, name: str = "my_lab.py") -> Path:
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(textwrap.dedent(code), encoding="utf-8")
    (folder / "mine.toml").write_text(SMALL + study, encoding="utf-8")
    return folder / "mine.toml"


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The folder in which the page's two files lie and its command was given."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "my_lab.py").write_text(LAB, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    with forgotten_afterwards() as here:
        here.chdir(folder)
        here.setenv("NORMENC_CACHE", str(folder / "cache"))
        here.setenv("OMP_NUM_THREADS", "1")
        here.setattr(sys, "argv", shlex.split(COMMAND))
        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(SystemExit) as stopped:
            cli.main()
            raise SystemExit(0)
        signal.signal(signal.SIGINT, before)
    assert not stopped.value.code
    return folder


def test_the_pages_parts_stand_in_the_tables(example):
    table = read_table(example / "first" / "similarity.csv").set_index("encoder")
    assert set(table["comparison"]) == {"my_lab:overlap"}
    assert {"Wide wide", "Wide wide_relu", "Wide wide, untrained", "FC fc", "light", "coarse light"} <= set(table.index)
    assert table.loc["Wide wide", "task"] == "CoarseOrFine"
    assert table.loc[["pixels", "light", "coarse light"], "kind"].tolist() == ["control"] * 3
    with xr.open_dataset(example / "first" / "rdms.nc") as file:
        mine, control = (upper(file["dissimilarity"].sel(population=n).to_numpy()) for n in ("simulated-v1", "light"))
    shared = np.minimum(mine, control).sum() / np.maximum(mine, control).sum()
    assert table.loc["light", "similarity"] == pytest.approx(shared, abs=1e-6)
    with xr.open_dataset(example / "first" / "representations.nc") as file:
        assert file["light"].shape[1] == 16 and file["coarse_light"].shape[1] == 4


def test_the_pages_parts_stand_in_the_report_and_in_pictures(example):
    text = html.unescape(re.sub(r"<[^>]+>", "", (example / "first" / "report.html").read_text(encoding="utf-8")))
    assert "CoarseOrFine, that is my_lab:CoarseOrFine, (200 stimuli;" in text
    assert "Wide: my_lab:Wide with n_wide 40; FC with n_hidden 10" in text
    assert re.search(
        r"the same layers of 5 untrained networks .*The controls were pixels, light and coarse light", text
    )
    assert "Two matrices were compared by the measure “my_lab:overlap” of their upper triangles" in text
    assert (example / "first" / "figures" / "leaderboard.svg").is_file()
    assert "coarse light" in (example / "first" / "report.html").read_text(encoding="utf-8")


def test_workers_of_the_page_trained_what_is_trained_here(example, lab, monkeypatch):
    monkeypatch.setenv("NORMENC_CACHE", str(example / "cache"))
    units = prepare(load_study(example / "study.toml")).units
    assert sorted(path.stem for path in (example / "cache" / "units").iterdir()) == sorted(u.key("cpu") for u in units)


def test_the_runs_settings_give_the_same_study_beside_the_code(example, lab):
    written = example / "first" / "study.toml"
    shutil.copy(written, example / "again.toml")
    again = load_study(example / "again.toml")
    assert again.to_toml() == written.read_text(encoding="utf-8")
    assert pickle.loads(pickle.dumps(again)).to_toml() == again.to_toml()
    forget()
    sys.path.remove(str(example))
    with pytest.raises(InputError, match=r"my_lab is neither in .*first nor among Python's modules"):
        load_study(written)


def test_opening_a_run_imports_nothing(example, normenc, tmp_path, monkeypatch):
    received = shutil.copytree(example / "first", tmp_path / "received")
    settings = (received / "study.toml").read_text(encoding="utf-8").replace("my_lab:", "evil:")
    (received / "study.toml").write_text(settings, encoding="utf-8")
    for folder in (received, tmp_path):
        (folder / "evil.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    report.write(received)
    assert normenc("figures", received, "--only", "leaderboard")[0] == 0
    assert normenc("compare", received, example / "first")[0] == 0
    assert "evil" not in sys.modules
    with pytest.raises(InputError, match="SystemExit: imported"):  # but whoever runs the study runs its code
        load_study(received / "study.toml")


def test_a_study_without_import_paths_adds_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", before := sys.path.copy())
    (tmp_path / "plenoptic.py").write_text("raise SystemExit", encoding="utf-8")
    (tmp_path / "mine.toml").write_text("task.n_train = 20", encoding="utf-8")
    load_study(tmp_path / "mine.toml")
    assert sys.path == before and str(tmp_path) not in sys.path


TASKS = """
    from dataclasses import dataclass
    from normenc import tasks

    @dataclass(frozen=True)
    class Easy(tasks.TiltDiscrimination):
        {}
"""
NETWORK = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, image_size, *, n_outputs, output{}):
            super().__init__()
            self.fc = nn.Linear(image_size[0] * image_size[1], 3)
            self.out = nn.Linear(3, n_outputs)

        def layers(self):
            return {}

        def forward(self, images):
            return torch.sigmoid(self.out(self.fc(images.flatten(1))))
"""
CONTROL = """
    def light(images{}):
        {}
"""
EASY, NET = 'task = { name = "my_lab:Easy" }\n', 'network = { name = "my_lab:Net" }\n'
REFUSED = {
    "no module": ("", 'task.name = "their_lab:Easy"', r"task.name: given 'their_lab:Easy'; their_lab is neither in"),
    "no name": ("", EASY, r"task.name: given 'my_lab:Easy'; my_lab \(.*my_lab.py\) has no 'Easy'; name a class"),
    "no path": ("", 'task.name = "my lab:Easy"', "an import path is a module and a name, as in"),
    "nothing after the colon": ("", 'task.name = "my_lab:"', "an import path is a module and a name, as in"),
    "main": ("", 'task.name = "__main__:Easy"', "other processes cannot import from __main__"),
    "syntax": ("def f(:", EASY, r"my_lab cannot be imported \(SyntaxError: .*correct it first"),
    "fails": ("1 / 0", EASY, r"my_lab cannot be imported \(ZeroDivisionError: division by zero\)"),
    "needs another": (
        "import no_such_package",
        EASY,
        r"my_lab cannot be imported \(ModuleNotFoundError: No module named",
    ),
    "no task": (
        "Easy = 3",
        EASY,
        "given 'my_lab:Easy'; it is not a task: a task is a dataclass that inherits from normenc.tasks.Task",
    ),
    "a function as a task": (CONTROL.format("", "pass"), 'task.name = "my_lab:light"', "it is not a task"),
    "no loss": (
        "from normenc.tasks import Task\nclass Easy(Task): n_outputs = 1; chance = 0.5; image_size = (14, 19)",
        EASY,
        "this task lacks loss, sample, score; see normenc.tasks.Task",
    ),
    "no dataclass": (
        TASKS.replace("@dataclass(frozen=True)", "").format("dots: int = 3"),
        EASY,
        "task is not a dataclass",
    ),
    "unknown key": (
        TASKS.format("dots: int = 3"),
        EASY.replace(" }", ", dot = 2 }"),
        "task.dot: .* did you mean 'dots'",
    ),
    "wrong type": (
        TASKS.format("dots: int = 3"),
        EASY.replace(" }", ", dots = 2.5 }"),
        "task.dots: given 2.5; it should",
    ),
    "no default": (
        TASKS.format("n: int = 1\n        def __init__(self): ..."),
        EASY,
        "task Easy .my_lab:Easy. fails: Type",
    ),
    "odd type": (TASKS.format("dots: complex = 3j"), EASY, "its key 'dots' has the type complex; a study file holds"),
    "bare list": (TASKS.format("dots: list = None"), EASY, "its key 'dots' has the type list; a study file holds"),
    "wrong default": (
        TASKS.format("dots: int = 'three'"),
        EASY,
        "the default of its key 'dots' is 'three', which the key's own type does not allow",
    ),
    "type that is not there": (TASKS.format("dots: 'Dots' = 3"), EASY, "types of its keys cannot be read .NameError"),
    "reserved key": (
        TASKS.format("label: int = 3"),
        EASY,
        "its key 'label' has a name that study files use for something else",
    ),
    "inside a function": (
        f"def make():\n{textwrap.indent(textwrap.dedent(TASKS.format('n: int = 3')), ' ')} return Easy\nEasy = make()",
        EASY,
        "where other processes cannot find it; define it at the top",
    ),
    "task of another size": (
        "from normenc.tasks import TiltDiscrimination\nclass Easy(TiltDiscrimination):\n    image_size = (3, 4)\n",
        EASY,
        r"task Easy \(my_lab:Easy\): its images have 3 x 4 pixels, but this study's have 15 x 20",
    ),
    "task that fails": (
        TASKS.format("def __post_init__(self): {}['no']"),
        EASY,
        r"task Easy \(my_lab:Easy\) fails: KeyError: 'no'; correct its code",
    ),
    "no network": ("Net = dict", NET, "given 'my_lab:Net'; it is not a network"),
    "no layers": (NETWORK.replace("layers", "names").format("", "()"), NET, "this network lacks layers"),
    "no output": (NETWORK.replace(", output", "").format("", "()"), NET, "and its answer by name: def __init__"),
    "no image_size": (NETWORK.replace("image_size", "size").format("", "()"), NET, "is given the size of images"),
    "untyped key": (NETWORK.format(", width=3", "()"), NET, "its parameter 'width' has no type, .* width: int = 3"),
    "layers that are no names": (NETWORK.format("", "'fc'"), NET, r"network \(my_lab:Net\): its layers\(\) gives 'fc'"),
    "no such layer": (NETWORK.format("", "('conv',)"), NET, r"network \(my_lab:Net\): .*conv"),
    "a missing key": (NETWORK.format(", width: int", "('fc',)"), NET, "network.width: this key is missing"),
    "no control": (
        "light = 3",
        LIGHT,
        "comparison.controls: given 'my_lab:light'; it is neither a class nor a function",
    ),
    "a control of other things": (
        CONTROL.replace("images", "pictures").format("", "pass"),
        LIGHT,
        "it is not a control",
    ),
    "a control that fails": (
        CONTROL.format("", "return images.colour"),
        LIGHT,
        r"control light \(my_lab:light\) fails: AttributeError",
    ),
    **{
        f"a control that gives {given}": (
            "import sys\nimport numpy as np\nimport torch\n" + textwrap.dedent(CONTROL.format("", given)),
            LIGHT,
            rf"control light \(my_lab:light\):? .*{message}",
        )
        for given, message in {
            "return None": r"must return \{layer: stimulus x unit\}, with at least one layer; got None",
            "return {}": "with at least one layer; got no layer",
            "return images.flatten(1)": "with at least one layer; got a Tensor",
            "return [images.flatten(1)]": "with at least one layer; got a list",
            "return {1: images.flatten(1)}": "a layer called 1; names of layers must be texts",
            "return {'a': images[1:].flatten(1)}": "layer 'a' gives shape",
            "return {'a': images[0]}": "layer 'a' gives shape",
            "return {'a': images.flatten(1) * 1j}": "layer 'a' has type complex64; it must hold real numbers",
            "return {'a': images.flatten(1).tolist()}": "layer 'a' gives list",
            "return {'a': 'light'}": "layer 'a' has type",
            "return {'a': None}": "layer 'a'",
            "return {'a': torch.rand(len(images), 5)}": "layer 'a' is random, or depends on earlier calls",
            "return {'a': images.flatten(1).numpy() + np.random.default_rng().random()}": "'a' is random",
            "return {'a': images.flatten(1) - images.mean()}": "layer 'a' depends on the other images in a batch",
            "sys.exit(0)": "fails: SystemExit: 0; correct its code",
        }.items()
    },
    "a module that ends Python": ("raise SystemExit(3)", EASY, r"my_lab cannot be imported \(SystemExit: 3\)"),
    "a control's layer": (
        CONTROL.format("", "return {'a/b': images.flatten(1)}"),
        LIGHT,
        "a label may hold no slashes",
    ),
    "a control's missing key": (CONTROL.format(", *, n: int", "pass"), LIGHT, "controls.*n: this key is missing"),
    "a control's key": (
        CONTROL.format(", *, n_cells: int = 3", "pass"),
        'comparison.controls = ["pixels", { name = "my_lab:light", n_cell = 3 }]',
        "comparison.controls.2.n_cell: there is no such key; did you mean 'n_cells'",
    ),
    "a control called as a layer": (
        CONTROL.replace("light", "fc").format("", "return {'fc': images.flatten(1)}"),
        'comparison = { controls = ["my_lab:fc"] }',
        "'fc' is also the name of a layer, a fitted network or another control",
    ),
    "controls called alike": (
        LAB,
        'comparison = { controls = ["my_lab:light", { name = "my_lab:light", n_cells = 2 }] }',
        "comparison.controls: there are 2 called 'light'; give each a label",
    ),
    "no measure": ("overlap = 3", 'comparison = { method = "my_lab:overlap" }', "it is not a measure|neither a class"),
    "a measure of three": (
        "def overlap(x, y, z): ...",
        'comparison = { other_measures = ["my_lab:overlap"] }',
        "it is not a measure",
    ),
    **{
        f"a measure: {body}": (
            f"import sys, random\nimport numpy as np\ndef overlap(x, y):\n    {body}\n",
            'comparison = { method = "my_lab:overlap" }',
            f"comparison.method: given 'my_lab:overlap'; the measure 'my_lab:overlap' {message}",
        )
        for body, message in {
            "return x.sum() / (x.sum() + (y ** 2).sum())": "is not symmetric: it is",
            "return True": "returned True; it must return one number",
            "return (x == y).all()": "returned (np.)?False.*; it must return one number|returned (np.)?True",
            "return 'much'": "returned 'much'; it must return one number",
            "return x * y": "returned .*; it must return one number",
            "return 1j": "returned 1j; it must return one number",
            "return None": "returned None; it must return one number",
            "return float('nan')": "is nan for two ordinary RDMs; it must be a finite number",
            "return 1.0": "is 1 for an RDM with itself and 1 with an unrelated one",
            "return np.abs(x - y).mean()": "is 0 for an RDM with itself and .* with an unrelated one",
            "return random.random()": "gives different values for the same two RDMs",
            "x -= x.mean(); return x @ y": "writes into the vectors that it is given; it must leave them",
            "x.flags.writeable = True; x *= 2; return x @ y": "(changes|writes into) the vectors that it is given",
            "return x.colour": "fails: AttributeError",
            "sys.exit(0)": "fails: SystemExit: 0; correct its code",
        }.items()
    },
    "no such measure": ("", 'comparison = { method = "my_lab:overlap" }', "my_lab .* has no 'overlap'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_serve_is_refused_in_words_before_training(lab, name):
    code, study, message = REFUSED[name]
    path = write(lab, study, code)
    with pytest.raises(InputError, match=message):
        control_representations(prepare(load_study(path)))


def test_keys_of_every_type_reach_the_code_and_come_back(lab):
    code = """
        from collections.abc import Sequence
        from dataclasses import dataclass, field
        from typing import Literal
        from normenc import tasks

        @dataclass(frozen=True)
        class Easy(tasks.TiltDiscrimination):
            pair: tuple[float, float] = (1.0, 2.0)
            some: list[int] = field(default_factory=lambda: [1])
            any: Sequence[str] = ("a",)
            which: Literal["x", "y"] = "x"
            maybe: int | None = None
            nested: tuple[tuple[int, int], ...] = ()
            spatial_frequency: float = 1 / 10
    """
    path = write(lab, EASY.replace(" }", ', pair = [3.0, 4.0], some = [5], any = ["b"], which = "y" }'), code)
    study = load_study(path)
    task = prepare(study).units[0].task
    assert (task.pair, task.some, task.any, task.which, task.maybe) == ((3.0, 4.0), [5], ["b"], "y", None)
    assert task.spatial_frequency == 1 / 10  # a default of its own, and not that of the section [stimuli]
    assert (task.resolution, task.patch) == (0.03, False)
    (lab / "again.toml").write_text(study.to_toml(), encoding="utf-8")
    assert load_study(lab / "again.toml").to_toml() == study.to_toml()
    for wrong in ("pair = [1.0]", 'pair = "a"', "some = 3", 'which = "z"'):
        with pytest.raises(InputError, match=rf"task.{wrong.split(' ')[0]}: given"):
            load_study(write(lab, EASY.replace(" }", f", {wrong} }}"), code))


def test_only_the_types_of_keys_are_looked_up(lab):
    code = """
        from __future__ import annotations

        from dataclasses import dataclass
        from functools import partial
        from typing import TYPE_CHECKING, Literal

        from normenc import networks, tasks

        if TYPE_CHECKING:
            import torch
            from elsewhere import Size

        @dataclass(frozen=True)
        class Easy(tasks.TiltDiscrimination):
            which: Literal["x", "y"] = "x"

        def small(image_size: Size, *, n_outputs: Size, output: Size, n: int = 3) -> torch.nn.Module:
            return networks.FC(image_size, n_hidden=n, n_outputs=n_outputs, output=output)

        def light(images: torch.Tensor, *, power: float = 1.0, n: int = 2) -> dict[str, torch.Tensor]:
            return {"light": images.flatten(1)[:, ::n] ** power}

        squared = partial(light, power=2.0)
        squared_twice = partial(squared, n=1)
    """
    controls = 'comparison = { controls = ["my_lab:light", "my_lab:squared", "my_lab:squared_twice"] }\n'
    study = load_study(write(lab, EASY + 'network = { name = "my_lab:small", n = 4 }\n' + controls, code))
    light, squared, twice = (found.responses.to_numpy() for found in control_representations(prepare(study)))
    np.testing.assert_allclose(squared, light**2, rtol=1e-6)
    np.testing.assert_array_equal(squared, twice[:, ::2])


def keys(path: Path) -> set[str]:
    """Keys of a study's networks, in a Python that starts anew."""
    forget()
    return {unit.key("cpu") for unit in prepare(load_study(path)).units}


def test_networks_are_trained_again_when_their_code_changes_and_not_when_a_comment_does(lab):
    inner = "from .sizes import N\nfrom helper import n\nfrom dataclasses import dataclass\nfrom normenc import tasks\n"
    easy = "@dataclass(frozen=True)\nclass Easy(tasks.TiltDiscrimination):\n    n_train: int = N * n\n"
    path = write(lab, 'task.name = "my_lab.tasks:Easy"\n' + FC, inner + easy, "my_lab/tasks.py")
    for name, text in (("my_lab/__init__.py", ""), ("my_lab/sizes.py", "N = 10\n"), ("helper.py", "n = 2\n")):
        (lab / name).write_text(text, encoding="utf-8")
    (lab / "my_lab" / "other.py").write_text("x = 1\n", encoding="utf-8")
    first = keys(path)
    for name in ("my_lab/tasks.py", "my_lab/__init__.py", "my_lab/sizes.py", "helper.py"):
        file = lab / name
        before = file.read_text(encoding="utf-8")
        file.write_text(f"# what it is for\n{before}", encoding="utf-8")
        assert keys(path) == first
        file.write_text(f"{before}y = 1\n", encoding="utf-8")
        assert not keys(path) & first, name
        file.write_text(before, encoding="utf-8")
        assert keys(path) == first
    (lab / "my_lab" / "other.py").write_text("x = 2\n", encoding="utf-8")  # which nothing imports
    assert keys(path) == first


def test_code_that_changed_since_it_was_imported_is_refused(lab):
    path = write(lab, TASK)
    study = load_study(path)
    unit = prepare(study).units[0]
    (lab / "my_lab.py").write_text(LAB.replace("self.ratio / 28", "self.ratio / 20"), encoding="utf-8")
    with pytest.raises(InputError, match=r"has changed since it was imported, .* restart Python, or the worker"):
        unit.key("cpu")
    with pytest.raises(InputError, match=r"task.name: .* has changed since it was imported"):
        load_study(path)


def test_a_module_of_the_same_name_from_elsewhere_is_not_taken(lab):
    for folder in ("first", "second"):
        write(lab / folder, TASK)
    load_study(lab / "first" / "mine.toml")
    with pytest.raises(
        InputError, match=r"my_lab lies in .*second, but another module of this name is already imported, from .*first"
    ):
        load_study(lab / "second" / "mine.toml")


def test_the_content_of_a_tasks_folder_counts(lab):
    code = TASKS.format("folder: str | None = None")
    (lab / "scenes").mkdir()
    (lab / "scenes" / "a.txt").write_text("1", encoding="utf-8")
    path = write(lab, EASY.replace(" }", ', folder = "scenes" }') + FC, code)
    assert load_study(path).task[0].folder == str(lab / "scenes")
    before = keys(path)
    (lab / "scenes" / "a.txt").write_text("2", encoding="utf-8")
    assert not keys(path) & before


def test_a_worker_that_has_not_the_code_says_so(lab):
    unit: Unit = prepare(load_study(write(lab, TASK + FC))).units[0]
    content, key = pickle.dumps(unit), unit.key("cpu")
    roots = unit.roots
    assert roots == [lab]
    forget()
    (lab / "my_lab.py").rename(lab / "moved.py")
    sys.path.remove(str(lab))
    with pytest.raises(InputError, match=r"a worker cannot import the study's own code \(No module named 'my_lab'\)"):
        provenance.made(content, roots, "cpu", key, provenance.software())
    (lab / "my_lab.py").write_text(LAB.replace("/ 28", "/ 20"), encoding="utf-8")
    with pytest.raises(InputError, match="own code or images of this task and network are not the same"):
        provenance.made(content, roots, "cpu", key, provenance.software())


def test_a_function_may_build_the_network_and_a_control_may_see_orientations(lab):
    code = """
        import torch
        from normenc import networks

        def small(image_size, *, n_outputs, output, n: int = 3):
            return networks.FC(image_size, n_hidden=n, n_outputs=n_outputs, output=output)

        def circle(orientation, *, harmonic: float = 2.0):
            angle = torch.deg2rad(harmonic * orientation)
            return {"circle": torch.stack([angle.cos(), angle.sin()], dim=1)}
    """
    controls = 'comparison = { controls = [{ name = "my_lab:circle", label = "4 theta", harmonic = 4.0 }] }\n'
    study = load_study(write(lab, 'network = { name = "my_lab:small", n = 5 }\ntask.n_train = 20\n' + controls, code))
    prepared = prepare(study)
    assert study.layers_of(study.network[0]) == ("fc",)
    (trained,), failures = train_units(prepared.units, progress=False)
    assert not failures and trained.build.keywords["n"] == 5
    (control,) = control_representations(prepared)
    assert (control.label, control.key) == ("4 theta", "4_theta")
    theta = np.deg2rad(4 * prepared.recording.orientation)
    np.testing.assert_allclose(control.responses, np.stack([np.cos(theta), np.sin(theta)], axis=1), atol=1e-12)


def test_keys_of_normencs_own_controls(lab):
    study = Study(comparison={"controls": ["pixels", {"name": "random features", "label": "few", "n_features": 20}]})
    few = control_representations(prepare(study))[1]
    assert (few.label, few.responses.shape[1]) == ("few", 20)
    with pytest.raises(ValueError, match="n_features"):
        Study(comparison={"controls": [{"name": "random features", "n_features": 0}]})


def test_a_measure_object_keeps_what_it_says(lab):
    code = LAB + "\nfrom normenc.rsa import Measure\nMINE = Measure('mine', overlap, symbol='J', range=(0, 1))\n"
    study = load_study(
        write(lab, 'comparison = { method = "my_lab:MINE", other_measures = ["my_lab:overlap"] }\n', code)
    )
    assert study.comparison.method == "my_lab:MINE"
    assert as_measure("my_lab:MINE").symbol == "J" and as_measure("my_lab:MINE").range == (0, 1)
    assert rsa.compare_rdms(*[[[0, 1, 2], [1, 0, 3], [2, 3, 0]]] * 2, "my_lab:overlap") == 1


def test_a_network_with_a_list_among_its_keys_is_run(lab):
    study = load_study(
        write(lab, 'network = { name = "DeepConvPoolFC", n_blocks = 2, n_channels = [2, 3] }\ntask.n_train = 20')
    )
    prepared = prepare(study)
    found = represent(prepared, progress=False)
    assert len(found.trainings) == 1 and not found.failures
    assert {r.encoder.network for r in found.representations} >= {"DeepConvPoolFC", "pixels"}


def installed_package(folder: Path, version: str, content: str) -> Path:
    """A package as pip leaves it, with a file that no Python can read."""
    place = folder / version / content / "site-packages"
    (place / "helper").mkdir(parents=True)
    (place / "helper" / "__init__.py").write_text("def build():\n    import helper.later\n")
    (place / "helper" / "later.py").write_text("not Python")
    info = place / f"helper-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: helper\nVersion: {version}\n")
    (info / "top_level.txt").write_text("helper\n")
    (info / "RECORD").write_text(f"helper/__init__.py,sha256={content},1\nhelper/later.py,sha256=b,1\n")
    return place


def test_installed_packages_count_by_version_and_are_not_parsed(lab, monkeypatch):
    found = []
    for version, content in (("1.0", "a"), ("1.1", "a"), ("1.1", "b")):
        with monkeypatch.context() as here:
            here.syspath_prepend(installed_package(lab, version, content))
            own_code._installed.cache_clear()
            part = own_code.import_part("helper:build")
            found.append(own_code.code_of(part))
            assert own_code.code_of(part) == found[-1]
        forget()
    own_code._installed.cache_clear()
    assert len(set(found)) == 3 and None not in found


def test_a_network_of_timm_by_import_path(torchvision):
    pytest.importorskip("timm", reason="timm is not installed")
    own_code.READ.clear()
    digest = own_code.code_of(own_code.import_part("timm.models.resnet:resnet18"))
    assert digest == own_code.code_of(own_code.import_part("timm.layers:DropPath")) and not own_code.READ
