"""Bearing temperatures over a period, as a table."""

import csv
import io

from heatloop.app.extensions_api import Manifest, Report, ReportFile
from heatloop_acme import AUTHOR, KIND, VERSION

_HEAD = {
    "zh": ("测点", "个数", "最低 °C", "平均 °C", "最高 °C"),
    "en": ("point", "count", "lowest degC", "mean degC", "highest degC"),
}


class BearingReport(Report):
    """One row a bearing."""

    manifest = Manifest(
        name="x_acme_report",
        zh="轴承温度报表",
        en="bearing temperatures",
        kind="report",
        version=VERSION,
        author=AUTHOR,
        inputs=(KIND,),
        outputs=("csv",),
    )

    def build(self, view, start_s, end_s, language):
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(_HEAD[language])
        for point in view.points(kind=KIND):
            values = [r.value for r in view.history(point.code, start_s, end_s)]
            if values:
                mean = sum(values) / len(values)
                table.writerow((point.code, len(values), min(values), round(mean, 2), max(values)))
        return ReportFile(
            name="bearings.csv", media="text/csv", data=text.getvalue().encode("utf-8-sig")
        )
