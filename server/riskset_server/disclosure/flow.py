"""The release of the flow of patients: boxes partition the box above them."""

from __future__ import annotations

from riskset_common.results.flow import FlowBox, FlowResult, families
from riskset_common.results.shown import Withheld, exact
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.table import held_parts
from riskset_server.disclosure.withheld import small_count, unless_small


def released_flow(result: FlowResult, disclosure: Disclosure) -> FlowResult:
    """Boxes without those that are held. Below a box that is held nothing is shown, for its sum would be the box."""
    rule, boxes = small_count(disclosure), result.boxes
    shown = [_box(boxes[0], None)]
    open_boxes = [boxes[0].path]
    for above, below in families(boxes):
        if above.path not in open_boxes:
            continue
        held = held_parts([exact(box.n) for box in below], disclosure.minimum_cell)
        for index, box in enumerate(below):
            if index not in held:
                open_boxes.append(box.path)
            shown.append(_box(box, rule if index in held else None))
    order = [box.path for box in boxes]
    return FlowResult(
        kind=result.kind,
        n=result.n,
        missing=unless_small(result.missing, disclosure),
        steps=result.steps,
        boxes=tuple(sorted(shown, key=lambda box: order.index(box.path))),
        warnings=result.warnings,
    )


def _box(box: FlowBox, rule: Withheld | None) -> FlowBox:
    return FlowBox(
        depth=box.depth,
        step=box.step,
        level=box.level,
        path=box.path,
        n=rule or box.n,
        percent=rule or box.percent,
    )
