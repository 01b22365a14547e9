"""Start the sandbox: `python -m durable_sandbox --port 8080`."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from durable_sandbox.extended import MOST_EXTRA
from durable_sandbox.recipe_terms import RecipeError
from durable_sandbox.sandbox import StateError, open_sandbox
from durable_sandbox.server import serve

if TYPE_CHECKING:
    from durable_sandbox.recipe import Recipe


_SETTINGS = ("rows", "seed", "objects", "extra_objects")


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; 0 after a clean end, 2 when the options cannot be used."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.proxy and not options.tls:
        parser.error("--proxy leads to the sandbox's https address: add --tls")
    if options.recipe and options.rows is not None:
        parser.error("--recipe says itself what is made: leave --rows out")
    if options.recipe_option and not options.recipe:
        parser.error("--recipe-option is for a recipe: add --recipe FILE")
    if (options.extra_objects or 0) > MOST_EXTRA:
        parser.error(f"--extra-objects must not be more than {MOST_EXTRA}")
    asked = {name: value for name in _SETTINGS if (value := getattr(options, name)) is not None}
    with tempfile.TemporaryDirectory(prefix="durable-sandbox-") as temporary:
        try:
            folder = options.state or Path(temporary)
            recipe = _recipe(options.recipe, options.recipe_option) if options.recipe else None
            sandbox = open_sandbox(asked, folder, options.state is not None, recipe)
            tls = folder / "tls" if options.tls else None
            serve(sandbox, options.host, options.port, options.exit_with_parent, tls, proxy=options.proxy)
        except (StateError, RecipeError, OSError) as error:
            print(f"The sandbox cannot start: {error}", file=sys.stderr)
            return 2
    return 0


def _recipe(path: Path, given: list[str] | None) -> "Recipe":
    from durable_sandbox.recipe import read_recipe

    pairs = [text.partition("=") for text in given or ()]
    wrong = [name for name, sign, _ in pairs if not (name and sign)]
    if wrong:
        raise RecipeError(f"--recipe-option {wrong[0]}: write NAME=VALUE")
    return read_recipe(path, {name: value for name, _, value in pairs})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="durable_sandbox", description="A Salesforce-compatible server on loopback.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--rows", type=_count, help="Contacts to make (default: 10000); others in proportion")
    parser.add_argument("--seed", type=int, help="the same seed gives the same records (default: 1)")
    parser.add_argument("--recipe", type=Path, help="Snowfakery recipe file that says which records there are")
    parser.add_argument("--recipe-option", action="append", metavar="NAME=VALUE", help="set an option of the recipe")
    parser.add_argument("--state", type=Path, help="folder that keeps records and changes between starts")
    parser.add_argument("--objects", choices=("standard", "extended"), help="extended: also rare kinds of objects")
    parser.add_argument("--extra-objects", type=_count, help="so many custom objects more, for a big organisation")
    parser.add_argument("--tls", action="store_true", help="serve https with a certificate of a local authority")
    parser.add_argument("--proxy", action="store_true", help="also lead clients that ask for salesforce.com here")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when standard input ends")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of records, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
