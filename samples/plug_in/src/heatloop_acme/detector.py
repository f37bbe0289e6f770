"""A bearing that runs hot, three values in a row."""

from heatloop.app.extensions_api import Clear, Detector, Manifest, Raise
from heatloop_acme import AUTHOR, KIND, VERSION

HOT_C, COOL_C, IN_A_ROW = 85.0, 80.0, 3


class BearingDetector(Detector):
    """Raises `hot` after three good values above 85 degC; clears it below 80 degC."""

    manifest = Manifest(
        name="x_acme_bearing",
        zh="轴承过热检测",
        en="hot bearing",
        kind="detector",
        version=VERSION,
        author=AUTHOR,
        inputs=(KIND,),
        outputs=("alarms x_acme_bearing.hot",),
        rules={"hot": ("轴承温度持续过高", "bearing runs hot")},
    )

    def __init__(self):
        self._hot = {}

    def examine(self, readings, view):
        for reading in readings:
            if reading.quality != "good":
                continue
            if reading.value > HOT_C:
                count = self._hot[reading.point] = self._hot.get(reading.point, 0) + 1
                if count == IN_A_ROW:
                    yield Raise(
                        subject=reading.point,
                        rule="hot",
                        priority=2,
                        value=reading.value,
                        limit=HOT_C,
                    )
            elif reading.value < COOL_C:
                self._hot.pop(reading.point, None)
                yield Clear(subject=reading.point, rule="hot")
