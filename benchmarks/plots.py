"""The pictures of the README: PNG and SVG, from the raw figures alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import analysis
from benchmarks.registry import BY_NAME
from benchmarks.scale import MB

OURS, THEIRS, LINES = "#1f6feb", "#9aa4b2", ("#1f6feb", "#d1603d", "#2f9e6e", "#8250df")
SHOWN = (
    *("templatedb", "templatedb_memory", "templatedb_wal", "savepoint", "sqla_memory", "sqla_file"),
    *("copy_file", "vacuum_into", "create_all", "upgrade", "django_db", "django_transaction"),
)


def draw(data: dict[str, Any], folder: Path) -> list[str]:
    """Draw what there are figures for into *folder*; return the names."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(
        {
            "svg.hashsalt": "templatedb",
            "svg.fonttype": "none",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    drawn = []
    for name, make in (("per-test", _per_test), ("large", _large), ("workers", _workers)):
        figure = make(data)
        if figure is not None:
            for suffix, more in (("png", {"dpi": 160}), ("svg", {"metadata": {"Date": None}})):
                figure.savefig(folder / f"{name}.{suffix}", bbox_inches="tight", facecolor="white", **more)
            drawn.append(name)
    return drawn


def _axes(*, width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def _per_test(data: dict[str, Any]) -> Any:
    """What isolation adds to one test, on a logarithmic scale: the ways lie three powers of ten apart."""
    tables = next((name for name in ("7", *data["per_test"]) if name in data["per_test"]), None)
    if tables is None:
        return None
    section = data["per_test"][tables]
    found = [(name, analysis.over_floor_us(section, name)) for name in SHOWN]
    bars = sorted(((name, us) for name, us in found if us is not None), key=lambda bar: bar[1], reverse=True)
    if not bars:
        return None
    figure, axes = _axes(width=8, height=0.36 * len(bars) + 1.2)
    titles = [BY_NAME[name].title.replace("`", "") for name, _ in bars]
    lowest = 5.0
    colours = [OURS if name.startswith("templatedb") else THEIRS for name, _ in bars]
    drawn = axes.barh(titles, [max(us, lowest) for _, us in bars], color=colours, left=0)
    axes.set_xscale("log")
    axes.set_xlim(left=lowest, right=max(us for _, us in bars) * 3)
    axes.bar_label(drawn, labels=[f" {_time(us)}" for _, us in bars])
    axes.xaxis.set_major_formatter(lambda us, _: _time(us))
    axes.set_xlabel("added to one test (logarithmic)")
    kilobytes = section["golden_bytes"] / 1e3
    axes.set_title(f"What isolation adds to a test: {tables} tables, {kilobytes:.0f} kB", loc="left", weight="bold")
    axes.tick_params(axis="y", length=0)
    return figure


def _time(us: float) -> str:
    return f"{us:.0f} µs" if us < 1000 else f"{us / 1e3:,.1f} ms" if us < 100_000 else f"{us / 1e6:,.1f} s"


def _large(data: dict[str, Any]) -> Any:
    """What a clone adds by the golden's size, one line for each file system, and a plain copy beside it."""
    figure, axes = _axes(width=8, height=4)
    any_line = False
    for (kind, section), colour in zip(data["large"].items(), LINES, strict=False):
        rows = [row for row in section["sizes"].values() if "us" in row and row["status"] == "ok"]
        if not rows:
            continue
        any_line = True
        sizes = [row["golden_bytes"] / MB for row in rows]
        own = [max(analysis.large_us(row, "large_reconnect") or 0, 1) for row in rows]
        label = kind if kind == section["filesystem"] else f"{kind} ({section['filesystem']})"
        axes.plot(sizes, own, marker="o", color=colour, label=f"templatedb, {label}")
        axes.plot(sizes, [row["copyfile_us"] for row in rows], ls=":", color=colour, label=f"a copy, {label}")
    if not any_line:
        return None
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(lambda size, _: f"{size:g}")
    axes.yaxis.set_major_formatter(lambda us, _: _time(us))
    axes.set_xlabel("golden, MB (logarithmic)")
    axes.set_ylabel("added to one test\nbesides reconnecting (logarithmic)")
    axes.set_title("Clones of large goldens", loc="left", weight="bold")
    axes.legend(frameon=False, fontsize=8, ncols=2)
    axes.grid(visible=True, which="major", alpha=0.25)
    return figure


def _workers(data: dict[str, Any]) -> Any:
    """The whole run by workers."""
    section = data["workers"]
    if not section:
        return None
    figure, axes = _axes(width=8, height=3.6)
    any_line = False
    # Without the one that migrates for every test: it would press all others to the bottom.
    styles = {"templatedb": OURS, "floor": "#30363d", "savepoint": "#d1603d", "copy_file": "#2f9e6e"}
    for name, row in section["variants"].items():
        counts = sorted(int(count) for count in row["runs"])
        seconds = [analysis.worker_seconds(section, name, count) for count in counts]
        if name not in styles or not counts or None in seconds:
            continue
        any_line = True
        axes.plot(counts, seconds, marker="o", color=styles[name], label=BY_NAME[name].title.replace("`", ""))
    if not any_line:
        return None
    axes.set_ylim(bottom=0)
    axes.set_xticks(sorted({int(count) for row in section["variants"].values() for count in row["runs"]}))
    axes.set_xlabel("xdist workers")
    axes.set_ylabel("seconds")
    axes.set_title(f"{section['tests']:,} tests, whole run", loc="left", weight="bold")
    axes.legend(frameon=False, fontsize=8)
    axes.grid(visible=True, axis="y", alpha=0.25)
    return figure
