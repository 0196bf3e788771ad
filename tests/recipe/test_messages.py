"""Each way a recipe can be wrong: one line that names the key and the nearest right one."""

from pathlib import Path

import pytest

from thriftnet.errors import RecipeError
from thriftnet.recipe import build_recipe, load_recipe


def refusal(source: str | Path, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(source, overrides)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert len(text) < 400
    return text


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        # unknown keys, and the nearest known one
        ("optim.lrr=1", ["optim.lrr", "did you mean optim.lr?"]),
        ("optimiser.lr=1", ["optimiser.lr", "did you mean optim.lr?"]),
        ("optimizer.name=sgd", ["optimizer.name", "did you mean optim.name?"]),
        ("train.lr=1", ["train.lr", "did you mean optim.lr?"]),
        ("lr=1", ["lr is", "did you mean optim.lr?"]),
        ("model.block=[1]", ["model.block is", "did you mean model.blocks?"]),
        ("max_params=3", ["max_params", "did you mean max_parameters?"]),
        ("model.resnet=1", ["model.resnet is not a recipe key"]),
        ("resnet=1", ["resnet is not a recipe key"]),
        ("train.ep\nochs=1", ["did you mean train.epochs?"]),
        # keys as other libraries call them, and what is none anywhere
        ("learning_rate=1", ["learning_rate is", "did you mean optim.lr?"]),
        ("train.num_epochs=1", ["did you mean train.epochs?"]),
        ("optimizer=sgd", ["did you mean optim.name?"]),
        ("imgsz=64", ["did you mean data.image_size?"]),
        ("wd=1", ["did you mean optim.weight_decay?"]),
        (
            "hidden_units=1",
            ["is not a recipe key; thriftnet recipes quick lists them"],
        ),
        # choices
        ("schedule.name=cosine", ["schedule.name='cosine'", "did you mean warmup_cosine?"]),
        ("optim.name=adam", ["optim.name='adam'", "adamw, sgd, muon", "did you mean adamw?"]),
        ("model.family=speed", ["model.family='speed'", "did you mean speednet?"]),
        ("train.select=[best]", ["train.select=['best']", "final, best"]),
        ("augment.flip=no", ["augment.flip='no'", "none, random, alternating"]),
        # types and ranges
        ("optim.lr=fast", ["optim.lr='fast'", "number"]),
        ("optim.lr=-1", ["optim.lr=-1", "greater than 0"]),
        ("optim.lr=.nan", ["optim.lr=nan", "finite"]),
        ("data.val_ratio=1", ["data.val_ratio=1", "less than 1"]),
        ("train.batch_size=2.5", ["train.batch_size=2.5", "integer"]),
        ("train.batch_size=[2]", ["train.batch_size=[2]", "integer"]),
        ("train.batch_size=yes", ["train.batch_size='yes'", "integer"]),
        ("train.batch_size=true", ["train.batch_size=True", "not true or false"]),
        ("schedule.cosine_epochs=on", ["schedule.cosine_epochs='on'", "number"]),
        ("schedule.cosine_epochs=None", ["cosine_epochs='None'", "write null for none"]),
        ("model.blocks=[1,true,1,1]", ["model.blocks=[1, True, 1, 1]", "not true or false"]),
        ("train.sizes=[[true,24]]", ["train.sizes=[[True, 24]]", "not true or false"]),
        ("model.blocks=3", ["model.blocks=3", "list", "model.blocks=[1,2,3]"]),
        ("model.blocks=[1,a,1,1]", ["model.blocks.1='a'", "integer"]),
        ("model.channels=[64,0,1,1]", ["model.channels.1=0", "greater than or equal to 1"]),
        ("optim.betas=[0.9]", ["optim.betas"]),
        ("seed=0x" + "f" * 5000, ["seed", "less than"]),
        ("train.device=" + "x" * 5000, ["train.device='xxx", "auto, cpu, cuda, mps"]),
        # sections and values
        ("optim=5", ["optim is a section", "optim.KEY"]),
        ("model=null", ["model is a section", "model.KEY"]),
        ("optim.lr.x=5", ["optim.lr.x cannot be set", "lr is a value"]),
        # the override itself
        ("optim.lr", ["'optim.lr' is not KEY=VALUE", "optim.lr=0.02"]),
        ("=3", ["is not KEY=VALUE"]),
        ("optim.=3", ["is not KEY=VALUE"]),
        ("optim.lr=[1", ["not valid YAML"]),
        ("optim.lr=2026-13-01", ["optim.lr='2026-13-01'", "number"]),
        ("optim.lr=0x_", ["optim.lr='0x_'", "number"]),
        ("train.epochs=010", ["'train.epochs=010' is not clear", "write 8 or 10"]),
        ("train.epochs=1:30", ["write 90 or '1:30'"]),
        ("model.blocks=[1, 07, 1, 0]", ["07 begins with a zero; write 7"]),
        ("optim.lr=!!python/object/apply:os.getcwd []", ["not valid YAML"]),
        ("name=two words", ["name='two words'", "letters, digits"]),
    ],
)
def test_wrong_override_is_one_line_with_the_remedy(override: str, parts: list[str]):
    text = refusal("paper", override)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    ("source", "overrides", "parts"),
    [
        ("quick", ["model.shortcut=padded"], ["model.shortcut", "model.family=speednet"]),
        ("quick", ["model.family=resnet"], ["model.residual", "model.family=resnet"]),
        ("paper", ["model.residual=true"], ["model.residual", "model.family=resnet"]),
        ("paper", ["model.blocks=[1,2]"], ["model.blocks has 2", "model.channels 4"]),
        ("paper", ["model.blocks=[0,0,0,0]"], ["model.blocks has no block"]),
        (
            "quick",
            ["model.blocks=[1,1,1,1,1]", "model.channels=[8,8,8,8,8]"],
            ["model.blocks has 5 groups", "at most 4"],
        ),
        (
            "quick",
            ["model.blocks=[1,1,1,1]", "model.channels=[8,8,8,8]", "train.sizes=[[2,19]]"],
            ["model.blocks has 4 groups", "too many for 19 pixels", "use fewer"],
        ),
        (
            "paper",
            ["data.image_size=16", "augment.crop_padding=16", "augment.crop_mode=reflect"],
            ["augment.crop_padding 16", "images of 16", "augment.crop_mode=zero"],
        ),
        ("paper", ["optim.name=muon"], ["optim.bias_lr and optim.head_lr; set both"]),
        ("quick", ["optim.name=sgd"], ["does nothing with optim.name=sgd", "back to"]),
        (
            "quick",
            ["schedule.name=constant", "schedule.interval=epoch"],
            ["schedule.interval does nothing with schedule.name=constant", "back to step"],
        ),
        ("quick", ["optim.eps=1e-6"], ["optim.eps does nothing with optim.aux=sgd", "back to"]),
        (
            "strong",
            ["optim.aux=adamw", "optim.aux_momentum=0.9"],
            ["does nothing with optim.aux=adamw", "for sgd"],
        ),
        ("paper-sgd", ["optim.nesterov=true"], ["optim.nesterov", "dampening 0"]),
        ("paper", ["data.val_ratio=0"], ["train.select=best", "data.val_ratio above 0"]),
        (
            "paper",
            ["train.epochs=2", "schedule.warmup_epochs=5"],
            ["schedule.warmup_epochs is 5", "train.epochs 2"],
        ),
        (
            "quick",
            ["schedule.warmup_epochs=9"],
            ["schedule.warmup_epochs is 9", "train.epochs 12, 8 over all images; shorten it"],
        ),
        ("paper", ["train.hard_fraction=0.5"], ["epochs of different", "interval=step"]),
        ("paper", ["train.micro_batch=256"], ["train.micro_batch 256", "train.batch_size 128"]),
    ],
)
def test_keys_that_contradict_each_other(source: str, overrides: list[str], parts: list[str]):
    text = refusal(source, *overrides)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize("name", ["quikc", "", "paper.yml.txt", "../paper", "a\nb"])
def test_unknown_name_lists_the_known_ones(name: str):
    known = "authors, best, paper, paper-fixed, paper-sgd, quick, robust, smoke, strong"
    assert known in refusal(name)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\xff\xfe\x00binary", "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
        (b"optim: {lr: 1", "line 1"),
        (b"a: \x00\x01", "not valid YAML"),
        (b"seed: 2026-13-01", "integer"),
        (b"name: a\ntrain:\n  epochs: 012", "line 3: 012 begins with a zero; write 10 or 12"),
        (b"[" * 5000, "not valid YAML"),
        (b"", "holds no recipe"),
        (b"- 1\n- 2\n", "holds no recipe"),
        (b"just text", "holds no recipe"),
        (b"model: [1, 2]", "model is a section"),
        (b"1: 2", "1"),
        (b"optim: {lr: &a [*a]}", "the alias *a"),
    ],
)
def test_file_that_is_no_recipe(content: bytes, part: str, tmp_path: Path):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    text = refusal(path)
    assert "bad.yaml" in text
    assert part in text


def test_file_that_cannot_be_read(tmp_path: Path):
    assert "No such file" in refusal(tmp_path / "none.yaml")
    assert "Is a directory" in refusal(tmp_path)
    assert "check the path" in refusal("a\0.yaml")
    assert "No such file" in refusal("line\nbreak.yaml")


def test_tree_without_a_name_says_so():
    with pytest.raises(RecipeError, match="name is missing"):
        build_recipe({})


def test_a_key_that_stands_twice_is_named(tmp_path: Path):
    path = tmp_path / "twice.yaml"
    path.write_text("name: twice\noptim: {lr: 0.1, lr: 0.2}\n")
    with pytest.raises(RecipeError, match="'lr' is a duplicate"):
        load_recipe(path)


def test_dotted_keys_of_a_file_are_told_how_a_file_has_them(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("optim.lr: 0.1\n")
    assert "write it as lr within optim:" in refusal(path)
