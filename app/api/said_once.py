"""A query parameter of one value that is given twice is refused: whichever was taken, half of the question is lost."""

from http import HTTPStatus

from fastapi import Request

from app.api.problems import Problem, parameters


async def said_once(request: Request) -> None:
    """End a request in which a parameter that takes one value has several."""
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    if len(set(names)) == len(names):
        return
    for each in parameters(request):
        name = str(each["name"])
        if each["in"] == "query" and names.count(name) > 1 and each["schema"].get("type") != "array":
            raise Problem(HTTPStatus.BAD_REQUEST, f"{name}: given {names.count(name)} times, and takes one value")
