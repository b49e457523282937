"""Observed series, as statsmodels ships them: ``pip install "lstmlib[forecasting]"``."""

import numpy as np


def co2() -> np.ndarray:
    """Return the CO₂ in the air over Mauna Loa, in ppm: 526 months from March 1958 on.

    The mean of each month's weekly averages; the five months without one, the last in April 1964,
    lie on the line between their neighbours. Source: Keeling and Whorf (2004), Scripps Institution
    of Oceanography.
    """
    import statsmodels.datasets as shipped

    weekly = shipped.co2.load_pandas().data["co2"]
    return weekly.resample("MS").mean().interpolate().to_numpy()


def sea_temperature() -> np.ndarray:
    """Return the temperature of the sea off Peru and Ecuador, in °C: 732 months from 1950 on.

    The mean at the surface between 0° and 10° South, 80° and 90° West: the region Niño 1+2. Source:
    National Oceanic and Atmospheric Administration, ERSST version 3b.
    """
    import statsmodels.datasets as shipped

    return shipped.elnino.load_pandas().data.iloc[:, 1:].to_numpy().ravel()


def sunspots() -> np.ndarray:
    """Return the yearly mean of the sunspot number, of the 309 years from 1700 to 2008.

    Source: National Geophysical Data Center.
    """
    import statsmodels.datasets as shipped

    return shipped.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()


def economy() -> dict[str, np.ndarray]:
    """Return five series of the United States, of 202 quarters from the second of 1959 on.

    ``growth`` of the real gross domestic product and of real ``consumption`` (per cent in a
    quarter, so one quarter less is left of everything), ``unemployment`` (per cent), ``inflation``
    and the ``interest`` rate of treasury bills (per cent a year). Both growth and inflation are
    100 times a difference of logarithms. As revised by the end of 2009: not what was known at the
    time. Sources: Federal Reserve Bank of St. Louis; unemployment: Bureau of Labor Statistics.
    """
    import statsmodels.datasets as shipped

    data = shipped.macrodata.load_pandas().data
    return {
        "growth": 100 * np.diff(np.log(data["realgdp"].to_numpy())),
        "consumption": 100 * np.diff(np.log(data["realcons"].to_numpy())),
        "unemployment": data["unemp"].to_numpy()[1:],
        "inflation": data["infl"].to_numpy()[1:],
        "interest": data["tbilrate"].to_numpy()[1:],
    }
