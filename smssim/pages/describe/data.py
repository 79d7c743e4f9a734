"""Section 3 of STRESS-DES: the data, every value with its origin, and what is assumed."""

from __future__ import annotations

from collections.abc import Iterable

from smssim.pages.describe.markdown import bullets, counted, gap, listed, paragraph, table
from smssim.pages.describe.parameters import Parameter, parameters, together
from smssim.pages.describe.study import Study
from smssim.scenario import GroupTask


def data(study: Study) -> list[str]:
    """Items 3.1 to 3.4."""
    return ["## 3. Data", "", *_sources(), *_prepared(study), *_inputs(study), *_assumed(study)]


def _sources() -> list[str]:
    return [
        "### 3.1 Data sources",
        "",
        *bullets(
            [
                "The service's rules: Huawei Cloud's public documents of Message & SMS, as "
                "collected "
                "with their dates in smssim's `docs/domain.md`, whose sections this text cites.",
                "Workdays of the review desk: the Chinese calendar with its make-up days.",
                "Zones, capitals and calling codes of countries: tables that travel with smssim.",
            ]
        ),
        *gap(
            "where the plan's own numbers come from: traffic, prices, package sizes, shares of "
            "statuses, delays"
        ),
    ]


def _prepared(study: Study) -> list[str]:
    files = [
        str(task.file)
        for task in study.scenario.group_tasks
        if isinstance(task, GroupTask) and task.file is not None
    ]
    told = (
        f"Recipient files ({listed(files)}) are read as the Group SMS Assistant does: numbers in "
        "column A, duplicates and invalid numbers dropped and counted."
        if files
        else "None: the scenario's values are used as they are given."
    )
    scaled = "Of weights of hours and weekdays, and of shares of sizes, only the proportions count."
    return ["### 3.2 Pre-processing", "", *paragraph(told, scaled)]


def _inputs(study: Study) -> list[str]:
    found = [one for one in parameters(study.scenario, study.countries) if not one.assumed]
    parts = dict.fromkeys(one.part for one in found)
    lines = paragraph(
        "*given*: the scenario says so. *default*: the scenario says nothing, and this is what "
        "then",
        "holds. Values that are assumptions stand in item 3.4. Lists are numbered from 0.",
    )
    plan = [one for one in found if "." not in one.path]
    lines += _table(plan)
    for part in parts:
        own = [one for one in found if one.part == part and "." in one.path]
        if own:
            lines += [f"#### {part.replace('_', ' ').capitalize()}", "", *_table(together(own))]
    return ["### 3.3 Input parameters", "", *lines]


def _assumed(study: Study) -> list[str]:
    found = [one for one in parameters(study.scenario, study.countries) if one.assumed]
    return [
        "### 3.4 Assumptions",
        "",
        *paragraph(
            f"Huawei's public documents do not settle {counted(len(found), 'value')} of this "
            f"scenario;",
            "whatever hangs on one of them hangs on an assumption. smssim's `docs/domain.md`, "
            "section",
            "14, says what was looked for and not found.",
        ),
        *_table(together(found)),
    ]


def _table(found: Iterable[Parameter]) -> list[str]:
    rows = [(f"`{one.path}`", one.value, one.origin, _cell(one.meaning)) for one in found]
    return table(("parameter", "value", "origin", "what it is"), rows)


def _cell(meaning: str) -> str:
    told = meaning.replace("|", "\\|")
    return told[:1].upper() + told[1:]
