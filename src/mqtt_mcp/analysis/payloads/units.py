"""Numbers as people and devices write them: a decimal point or comma, and a unit behind it.

Owns the list of units. A number counts only when nothing but a known unit follows it. Does not convert units.
"""

import math
import re

MAX_CHARS = 64

_NUMBER = re.compile(r"([+-]?(?:0|[1-9][0-9]{0,30})(?:[.,][0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?)[ \u00a0\u202f]?")

_LISTED = (
    "°C °F °K ℃ ℉ C F K degC degF celsius fahrenheit kelvin "
    "% %RH %rh ‰ pct percent "
    "W kW MW mW GW VA kVA var kvar VAr Wh kWh MWh GWh VAh kVAh varh kvarh V kV mV µV uV A mA µA uA kA Ah mAh "
    "Ω kΩ MΩ Ohm ohm kOhm F µF nF pF S mS µS µS/cm uS/cm mS/cm S/m cosφ "
    "Hz kHz MHz GHz rpm RPM U/min 1/min bpm "
    "Pa hPa kPa MPa mbar bar psi mmHg inHg mmH2O atm Torr "
    "lx lux lm cd W/m² W/m2 kWh/m² klx "
    "ppm ppb ppt µg/m³ ug/m3 mg/m³ mg/m3 g/m³ g/m3 µg/m3 mg/l mg/L g/l µg/l pH NTU "
    "dB dBm dBA dB(A) dBi "
    "s ms µs us ns sec min h d hr hrs days hours minutes seconds "
    "m km cm mm µm um mi ft in yd nm "
    "m/s km/h kmh kph mph kn kt ft/s mm/h mm/d in/h l/min L/min l/h L/h m³/h m3/h m³/s l/s L/s gpm gal/min ml/min "
    "l L ml mL cl dl hl m³ m3 cm³ cm3 ft³ ft3 gal m² m2 km² ha cm² "
    "g kg mg µg t lb lbs oz N kN Nm J kJ MJ GJ kcal cal BTU BTU/h "
    "B kB KB MB GB TB KiB MiB GiB bit kbit Mbit Gbit bps kbps Mbps Gbps kbit/s Mbit/s Gbit/s kB/s MB/s B/s "
    "° deg rad mrad g° °/s m/s² m/s2 mg G mT µT uT T "
    "€ $ £ EUR USD GBP ct €/kWh EUR/kWh ct/kWh EUR/MWh €/MWh gCO2/kWh gCO2eq/kWh VDC VAC Vdc Vac x "
    "msg/s msgs/s req/s"
)
UNITS = frozenset(_LISTED.split())


def read(text: str) -> tuple[float, str] | None:
    """The number and the unit (empty for none) of a text without spaces around it, or None.

    Args:
        text: Looked at up to 64 characters; a longer one is no number.
    """
    if len(text) > MAX_CHARS:
        return None
    found = _NUMBER.match(text)
    if found is None:
        return None
    unit = text[found.end() :].replace("\u03bc", "µ")
    if unit:
        if unit not in UNITS:
            return None
    elif found.end() != found.end(1):
        return None
    value = float(found.group(1).replace(",", "."))
    return (value, unit) if math.isfinite(value) else None
