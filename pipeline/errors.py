"""The one error that users meet: what was expected, what was found, where, and what to do next.

Belongs here: the exception class that every domain raises for bad input. Does not belong here: errors that only a
programmer can cause; those are plain ``ValueError``, ``TypeError`` and assertions.
"""


class InputError(Exception):
    """Bad input, told so that the reader can mend it.

    Parameters
    ----------
    what : str
        One sentence: what is wrong.
    expected, found : str
        What the contract or the caller demanded, and what was there instead.
    where : str
        File, line and column, or table and key, as exactly as known.
    action : str
        What the reader can do about it.

    Examples
    --------
    >>> print(InputError("wrong row count", expected="120 rows", found="119", where="a.csv", action="ask for it again"))
    wrong row count
      expected: 120 rows
      found:    119
      where:    a.csv
      to do:    ask for it again
    """

    def __init__(self, what: str, *, expected: str, found: str, where: str, action: str) -> None:
        self.what = what
        self.expected = expected
        self.found = found
        self.where = where
        self.action = action
        super().__init__(what, expected, found, where, action)

    def __str__(self) -> str:
        return (
            f"{self.what}\n  expected: {self.expected}\n  found:    {self.found}\n"
            f"  where:    {self.where}\n  to do:    {self.action}"
        )
