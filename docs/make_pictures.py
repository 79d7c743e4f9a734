"""Draws `docs/launch.png`, the README's picture, from `data/scenarios/launch.yaml`.

Run from anywhere: `python docs/make_pictures.py`.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from smssim import plots, simulate

HERE = Path(__file__).parent
SCENARIO = HERE.parent / "data" / "scenarios" / "launch.yaml"


def main() -> None:
    """One month on one page: the packages, the latency and the thresholds."""
    mpl.use("agg")
    run = simulate(SCENARIO, rows=False)
    with mpl.rc_context({"font.size": 12.5}):
        figure = plt.figure(figsize=(16, 12), dpi=100)
        figure.set_layout_engine("constrained", w_pad=0.15, h_pad=0.15, hspace=0.04)
        axes = figure.subplot_mosaic([["packages"] * 2, ["latency", "thresholds"]])
        plots.burn_down(run, ax=axes["packages"])
        plots.latency(run, by="type", ax=axes["latency"])
        plots.thresholds(run, ax=axes["thresholds"])
        figure.savefig(HERE / "launch.png", metadata={"Software": None})
    print(f"{HERE / 'launch.png'} is drawn")


if __name__ == "__main__":
    main()
