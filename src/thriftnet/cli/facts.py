"""describe, bench, recipes: what can be known before training."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from thriftnet.cli.app import JsonOption, RecipeArgument, SetOption, app, print_json
from thriftnet.cli.options.completions import recipe_names
from thriftnet.cli.options.panels import PREPARE, RECIPE, option
from thriftnet.terminal.work import working


@app.command(rich_help_panel=PREPARE)
def describe(
    recipe: RecipeArgument, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Print a recipe's network: layers, shapes, parameters, MACs, and its shipped weights."""
    from thriftnet.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or ())  # a wrong one is refused before PyTorch is loaded
    with working(f"counting the operations of {recipe}"):
        from thriftnet.models.summary import summarise
        from thriftnet.terminal import results as console
        from thriftnet.weights.card import card_page, shipped_card

        summary = summarise(
            loaded.name,
            budget=loaded.max_parameters,
            image_size=loaded.data.image_size,
            **loaded.model.model_dump(),
        )
    card = shipped_card(loaded.name, digest=loaded.digest())
    if as_json:
        weights = card.model_dump(mode="json") if card else None
        print_json({**summary.to_json(), "weights": weights})
        return
    console.print_description(summary)
    if card:
        console.print_shipped(card, card_page(loaded.name))


@app.command(rich_help_panel=PREPARE)
def bench(
    recipe: Annotated[
        str, option(RECIPE, "RECIPE", "The recipe to measure in detail.", "--recipe")
    ] = "quick",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this machine: the bottleneck of a recipe, and the training time of every recipe."""
    from thriftnet.recipe import load_recipe, shipped_recipes

    one = load_recipe(recipe, overrides or ())
    with working("loading PyTorch; the measurement takes about a minute") as doing:
        from thriftnet.bench.machine import run_bench
        from thriftnet.terminal import results as console

        every = [load_recipe(name) for name in shipped_recipes()]
        found = run_bench(one, every, say=doing.now)
    if as_json:
        print_json(found.to_json())
    else:
        console.print_bench(found)


@app.command(rich_help_panel=PREPARE)
def recipes(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="Show each key of this recipe, with its value and meaning.",
            autocompletion=recipe_names,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the shipped recipes, or the keys of one."""
    from thriftnet.recipe import load_recipe, shipped_recipes
    from thriftnet.recipe.keys import explained
    from thriftnet.table import make_table
    from thriftnet.terminal.tables import wrapped_lines
    from thriftnet.terminal.text import print_wrapped, terminal_width
    from thriftnet.weights.shipped import shipped_weights

    if recipe is not None:
        keys = explained(load_recipe(recipe))
        if as_json:
            print_json({key: value for key, value, _ in keys})
            return
        for key, value, meaning in keys:
            print(f"{key}={value if isinstance(value, str) else json.dumps(value)}")
            print_wrapped(meaning, indent="    ")
        return
    about = {name: load_recipe(name).description for name in shipped_recipes()}
    if as_json:
        print_json(about)
        return
    weights = shipped_weights()
    rows = [(n, "weights" if n in weights else "", told) for n, told in about.items()]
    table = make_table(("recipe", "shipped", "about"), rows)
    print("\n".join(wrapped_lines(table, room=terminal_width())))
