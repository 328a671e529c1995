"""Views over the tables, named after the questions that they answer."""


def views() -> list[str]:
    """The statements that make the views, in order."""
    return []
