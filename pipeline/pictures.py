"""From a drawn figure to bytes that a browser shows.

Belongs here: rendering. Does not belong here: drawing anything in particular (``plots`` of each domain).
"""

import io

from matplotlib.figure import Figure

RESOLUTION = 110  # dots per inch: legible in a browser, 50 to 100 kB a picture
# In inches. Dagster shows a picture in a window of 1,080 pixels on a screen of 1,400 and cuts off what is wider.
WIDEST = 9.8


def png_of(figure: Figure) -> bytes:
    """Render a figure.

    Parameters
    ----------
    figure : Figure
        Made without pyplot, so that no window system and no global state are involved.

    Returns
    -------
    bytes
        A PNG.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=RESOLUTION)
    return buffer.getvalue()
