"""From a drawn figure to bytes that a browser shows.

Belongs here: rendering. Does not belong here: drawing anything in particular (``plots`` of each domain).
"""

import io

from matplotlib.figure import Figure

RESOLUTION = 110  # dots per inch: legible in a browser, 50 to 100 kB a picture


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
