"""A synthetic bank that drops all feeds day by day, with planted truth kept apart from what it drops."""
