"""Small files in the layout of the Allen Brain Observatory, written by h5py alone, with what its real files hold."""

from pathlib import Path

import h5py
import numpy as np

N_CELLS, N_SCENES, RATE = 5, 12, 30.0
SIZE = (6, 8)
ORIENTATIONS = np.arange(0.0, 180, 30)
DIRECTIONS = np.arange(0.0, 360, 45)


def images(rng, n=N_SCENES):
    return rng.integers(0, 256, (n, *SIZE)).astype(np.uint8)


def shuffled(rng, rows):
    return np.array(rows, dtype=float)[rng.permutation(len(rows))]


def scene_frames(rng, n=N_SCENES, repeats=3):
    """Numbers of scenes, each shown a few times; the first once less, the blank -1 twice."""
    every = [*range(n)] * repeats + [-1, -1]
    every.remove(0)
    return rng.permutation(every)


def static_rows(rng):
    """Orientation, spatial frequency, phase; a blank is NaN throughout."""
    rows = [(o, f, p) for o in ORIENTATIONS for f in (0.02, 0.32) for p in (0, 0.25)]
    return shuffled(rng, [*rows, *rows, (np.nan, np.nan, np.nan), (np.nan, np.nan, np.nan)])


def drifting_rows(rng):
    """Temporal frequency, direction, whether it is a blank; a blank has NaN, and 1."""
    rows = [(f, d, 0) for f in (1.0, 15.0) for d in DIRECTIONS]
    return shuffled(rng, [*rows, *rows, (np.nan, np.nan, 1), (np.nan, np.nan, 1)])


def text(value):
    return np.bytes_(value)


def onsets(n, first=30, every=20):
    """Frames at which presentations begin."""
    return first + every * np.arange(n)


class Session:
    """What a session of two-photon imaging holds, before it is written."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.images, self.frames = images(rng), scene_frames(rng)
        self.static, self.drifting = static_rows(rng), drifting_rows(rng)
        n_frames = 30 + 20 * max(map(len, (self.frames, self.static, self.drifting))) + 90
        self.stamps = 10.0 + np.arange(n_frames) / RATE + rng.uniform(0, 1e-4, n_frames)
        self.signals = rng.normal(size=(N_CELLS, n_frames)).astype(np.float32)  # cells x samples
        self.ids = 517_000_000 + rng.permutation(1000)[:N_CELLS]
        self.area, self.kind = "VISal", "three_session_B"


def write_nwb1(path: Path, own: Session, shown=("natural_scenes", "static_gratings")) -> Path:
    with h5py.File(path, "w") as file:
        file["nwb_version"] = "NWB-1.0.5"
        file["general/session_type"] = text(own.kind)
        file["general/experiment_container_id"] = text("511507144")
        file["general/optophysiology/imaging_plane_1/location"] = text(own.area)
        file["general/optophysiology/imaging_plane_1/imaging depth"] = text("275 microns")
        pipeline = file.create_group("processing/brain_observatory_pipeline")
        pipeline["DfOverF/imaging_plane_1/data"] = own.signals
        pipeline["DfOverF/imaging_plane_1/timestamps"] = own.stamps
        pipeline["DfOverF/imaging_plane_1/num_samples"] = np.int32(len(own.stamps))
        pipeline["ImageSegmentation/cell_specimen_ids"] = own.ids
        pipeline["ImageSegmentation/roi_ids"] = np.array([text(f"roi{k}") for k in range(N_CELLS)])
        for name, data, features in (
            ("natural_scenes", own.frames, None),
            ("static_gratings", own.static.astype(np.float32), ("orientation", "spatial_frequency", "phase")),
            ("drifting_gratings", own.drifting, ("temporal_frequency", "orientation", "blank_sweep")),
        ):
            if name in shown:
                group = file.create_group(f"stimulus/presentation/{name}_stimulus")
                starts = onsets(len(data))
                group["data"] = data
                group["frame_duration"] = np.stack([starts, starts + 8], axis=1)
                group["timestamps"] = own.stamps[starts]
                if features:
                    group["features"] = np.array([text(feature) for feature in features])
        file.create_group("stimulus/presentation/spontaneous_stimulus")
        file["stimulus/templates/natural_scenes_image_stack/data"] = own.images.astype(np.float32)
    return path


def write_nwb2(path: Path, own: Session, shown=("natural_scenes", "static_gratings"), *, cut=False) -> Path:
    """As DANDI:000728: -1 without a sign, images by name, tables of gratings under stimulus/presentation."""
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        file["general/optophysiology/ImagingPlane/location"] = own.area
        file["general/subject/subject_id"] = "222426"
        ophys = file.create_group("processing/ophys")
        ophys["Fluorescence/Corrected/timestamps"] = own.stamps
        ophys["DfOverF/DfOverF/data"] = own.signals[::-1].T  # samples x cells
        ophys["DfOverF/DfOverF/timestamps"] = h5py.SoftLink("/processing/ophys/Fluorescence/Corrected/timestamps")
        ophys["DfOverF/DfOverF/rois"] = np.arange(N_CELLS)[::-1]
        ophys["ImageSegmentation/PlaneSegmentation/id"] = np.arange(N_CELLS)
        ophys["ImageSegmentation/PlaneSegmentation/global_roi_id"] = own.ids
        file.create_group("stimulus/presentation")
        if "natural_scenes" in shown:
            series = file.create_group("stimulus/presentation/natural_scenes_stimulus")
            series["data"] = own.frames.astype(np.int32).astype(np.uint32)
            series["timestamps"] = own.stamps[onsets(len(own.frames))]
            template = file.create_group("stimulus/templates/natural_scenes_template")
            for k, image in enumerate(own.images):
                template[f"NaturalScene{k}"] = image
        for name, columns in (
            ("static_gratings", ("orientation_in_degrees", "spatial_frequency_in_cycles_per_degree", "phase")),
            ("drifting_gratings", ("temporal_frequency_in_hz", "orientation_in_degrees", "is_blank_sweep")),
        ):
            if name in shown:
                rows = own.static if name == "static_gratings" else own.drifting
                rows = rows[:3] if cut else rows
                table = file.create_group(f"stimulus/presentation/{name}")
                start = own.stamps[onsets(len(rows))]
                table["start_time"], table["stop_time"] = start, start + 0.25
                for column, values in zip(columns, rows.T, strict=True):
                    table[column] = values == 1 if column == "is_blank_sweep" else values
                if name == "static_gratings":
                    table["is_blank_sweep"] = np.isnan(rows[:, 0])
    return path


class Spikes:
    """What a session of Neuropixels holds."""

    def __init__(self, seed=0, n_units=9):
        rng = np.random.default_rng(seed)
        self.frames = scene_frames(rng, n=118, repeats=2).astype(float)
        self.static, self.drifting = static_rows(rng), drifting_rows(rng)
        self.spikes = [np.sort(rng.uniform(0, 120, int(n))) for n in rng.integers(200, 900, n_units)]
        self.spikes[0] = np.sort(np.append(self.spikes[0], self.start("natural_scenes")[:4]))  # on the edge
        self.channels = 850_000_000 + rng.permutation(50)
        self.area_of = {channel: ("VISp", "VISl", "CA1", "")[k % 4] for k, channel in enumerate(self.channels)}
        self.peaks = self.channels[np.array([0, 4, 8, 12, 16, 20, 1, 2, 3])]  # six in VISp, one in each other
        self.quality = ["good", "good", "good", "good", "good", "noise", "good", "good", "good"]
        self.cutoff = np.array([0.05, 0.1, 0.2, 0.01, 0.01, 0.01, 0.01, 0.01, np.nan])
        self.violations = np.array([0.1, 0.5, 0.1, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1])
        self.presence = np.array([0.99, 0.95, 0.99, 0.99, 0.99, 0.99, 0.99, 0.99, 0.99])
        self.ids = 950_000_000 + np.arange(n_units)

    def start(self, stimulus):
        rows = {"natural_scenes": self.frames, "static_gratings": self.static, "drifting_gratings": self.drifting}
        return 5.0 + 0.4 * np.arange(len(rows[stimulus]))


def said(values):
    """Numbers as the file has them: texts, "null" where there is none."""
    return ["null" if np.isnan(value) else str(value) for value in values]


def write_neuropixels(path: Path, own: Spikes, *, as_texts=True, invalid=None) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.2.2"
        file["general/subject/subject_id"] = "699733573"
        file["general/extracellular_ephys/electrodes/id"] = own.channels
        file["general/extracellular_ephys/electrodes/location"] = [own.area_of[channel] for channel in own.channels]
        scenes = file.create_group("intervals/natural_scenes_presentations")
        scenes["frame"] = own.frames
        tables = {
            "static_gratings": (own.static, ("orientation", "spatial_frequency", "phase")),
            "drifting_gratings": (own.drifting[:, :2], ("temporal_frequency", "orientation")),
        }
        for name, (rows, columns) in tables.items():
            table = file.create_group(f"intervals/{name}_presentations")
            for column, values in zip(columns, rows.T, strict=True):
                table[column] = said(values) if as_texts else values
        for name in ("natural_scenes", *tables):
            start = own.start(name)
            file[f"intervals/{name}_presentations/start_time"] = start
            file[f"intervals/{name}_presentations/stop_time"] = start + 0.25
        if invalid is not None:
            file["intervals/invalid_times/start_time"], file["intervals/invalid_times/stop_time"] = np.array(invalid).T
        units = file.create_group("units")
        units["id"], units["peak_channel_id"], units["quality"] = own.ids, own.peaks, own.quality
        units["amplitude_cutoff"], units["isi_violations"] = own.cutoff, own.violations
        units["presence_ratio"] = own.presence
        units["spike_times"] = np.concatenate(own.spikes)
        units["spike_times_index"] = np.cumsum([len(times) for times in own.spikes])
    return path
