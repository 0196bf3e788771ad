"""What ultralytics, timm, Keras, fastai, Lightning and Hugging Face's Trainer call things.

Names are in lower case with dashes. A name may stand in several lines: the first answer whose
option the command has counts.
"""

from __future__ import annotations

from thriftnet.elsewhere.keys import KEYS

OPTIONS: dict[str, str] = {
    "--epochs": KEYS["train.epochs"],
    "--epochs 0.5": "iterations iters max-iters max-steps max-train-steps steps train-steps",
    "--epochs 0.1": "fast-dev-run",
    "--lr": KEYS["optim.lr"],
    "--batch-size": KEYS["train.batch_size"],
    "--device cuda": "accelerator cuda gpu gpus n-gpu ngpu num-gpus use-cuda",
    "--device cpu": "cpu no-cuda no-gpu use-cpu",
    "--device mps": "mps use-mps-device",
    "--name": "exp-name experiment experiment-name run-id run-name",
    "--runs-dir": (
        "checkpoint-dir default-root-dir log-dir logging-dir logs o out out-dir outdir output "
        "output-dir project root-dir save-dir work-dir workdir"
    ),
    "--output": (
        "csv dest o out out-dir out-file outdir outfile output-dir output-file results-dir save "
        "save-csv save-dir save-txt"
    ),
    "--init best": "finetune load-weights model-path pretrained transfer weights",
    "--resume": (
        "auto-resume checkpoint checkpoint-path ckpt ckpt-path continue load load-from "
        "resume-from resume-from-checkpoint"
    ),
    "--data": (
        "data-dir data-path data-root dataset datasets folder image-folder images in input root "
        "source test-dir train-data train-data-dir train-dir train-folder val-dir validation-dir"
    ),
    "--group": "group-column groups",
    "--seed": "manual-seed random-seed random-state rng-seed",
    "--quiet": "no-progress no-progress-bar q silent",
    "--time-budget 10m": "max-hours max-minutes max-time time time-limit timeout",
    "--max-params": "max-parameters param-budget params",
    "--track": "log-to logger loggers report-to tracker",
    "--track tensorboard": "tensorboard",
    "--track wandb": "log-wandb use-wandb wandb",
    "--track mlflow": "mlflow",
    "--precision bf16": "amp bf16 fp16 half mixed-precision",
    "--precision fp32": "fp32 full-precision no-amp",
    "--at-least": "conf conf-thres confidence min-confidence threshold",
    "--reject-outliers 0.05": "ood ood-detection ood-threshold outlier-threshold outliers",
    "--tta": "augment augment-test test-time-augmentation tta-views",
    "--to": "fmt format formats",
    "--to onnx": "onnx",
    "--to onnx-int8": "int8 quantise quantize",
    "--images": "limit limit-test-batches limit-val-batches max-images n num-images",
    "--corruption contrast:3": "corrupt corruptions noise",
    "--workers": "j jobs max-concurrent n-jobs num-workers parallel",
    "--port": "p",
    "--host": "address bind",
    "--json": "as-json format json-output",
    "--where": "filter filters query",
    "--sort": "order-by sort-by",
    **{f"--set {setting}": names for setting, names in KEYS.items() if "=" in setting},
}
"""Names there, by the answer here: an option, or one with a value that shows how it looks."""

COMMON = "csv dest in input limit n o out output p root save time timeout"
"""Those that mean something else in each command: another command's option is no answer to them."""

ARGUMENTS: dict[str, str] = {
    "MODEL": (
        "checkpoint checkpoint-path ckpt ckpt-path init load model model-path network pretrained "
        "run weights"
    ),
    "IMAGE_OR_FOLDER": (
        "data data-dir file folder image image-dir images img in input inputs path source"
    ),
    "RECIPE": "cfg config config-file recipe yaml",
    "RUN": "checkpoint model model-path run run-dir runs weights",
    "DATA": "data data-dir data-path dataset folder images input path source",
    "SPACE": "config search-space space",
    "REPO": "hub-model-id repo repo-id",
}
"""Names there, by an argument here."""

ABSENT: dict[str, str] = {
    "images are kept in memory, so there are no loader processes": (
        "cache dataloader-num-workers j num-workers pin-memory prefetch-factor workers"
    ),
    "the batch size is chosen for the machine, and an export takes any": (
        "b batch batch-size batchsize bs eval-batch-size per-device-eval-batch-size val-batch-size"
    ),
    "a network has one image size, set when it is trained": (
        "image-size img img-size imgsz input-size size"
    ),
    "the classes are those of the data": "class-names classes nc num-classes",
    "the network is part of the recipe; thriftnet recipes lists them": (
        "arch architecture backbone model model-name"
    ),
    "the mean and deviation are those of the training images": "in-chans mean normalize std",
    "thriftnet inspect shows the pictures and thriftnet describe the network without training": (
        "dry-run summary"
    ),
    "train never overwrites a run folder; -o replaces an earlier output": (
        "exist-ok force overwrite overwrite-output-dir"
    ),
    "progress is always shown": (
        "log-every-n-steps log-interval logging-steps print-freq progress v verbose"
    ),
    "checkpoints are written automatically; --resume continues from the last one": (
        "save-every save-freq save-interval save-period save-steps save-total-limit"
    ),
    "validation images are evaluated after every epoch": (
        "check-val-every-n-epoch eval-freq eval-steps eval-strategy evaluation-strategy "
        "val-check-interval"
    ),
    "thriftnet evaluate RUN evaluates": "do-eval eval eval-only evaluate no-val test-only validate",
    "thriftnet report RUN draws figures": "plot plots",
    "the same recipe and seed give the same bits on one machine": (
        "benchmark cudnn-benchmark deterministic"
    ),
    "start several processes with torchrun: torchrun --nproc-per-node 2 -m thriftnet train": (
        "ddp devices dist-backend distributed local-rank multiprocessing-distributed nodes "
        "nproc-per-node num-nodes num-processes strategy world-size"
    ),
    "pass callbacks in Python: thriftnet.train(on_epoch=...)": "callback callbacks hooks",
    "all layers are trained; with --init, --set init.body_lr=0.01 slows those before the head": (
        "freeze freeze-backbone freeze-layers unfreeze"
    ),
    "gradients are not clipped": "clip clip-grad grad-clip gradient-clip-val max-grad-norm",
    "networks have no dropout; --set train.label_smoothing=0.1 regularises": (
        "drop drop-rate dropout"
    ),
    "the loss is cross-entropy, to which train.consistency can add": (
        "bce bce-loss criterion fl-gamma focal-loss loss loss-fn"
    ),
    "thriftnet audit DATA --folds 4 cross-validates": "cv fold folds k-fold kfold",
    "exports are in fp32 or int8: --to onnx or --to onnx-int8": (
        "amp bf16 fp16 fp32 half mixed-precision precision"
    ),
    "set OMP_NUM_THREADS=2 in the environment": "cpus n-threads num-threads threads",
    "the fastest layout and kernels of the machine are chosen": (
        "channels-last compile torch-compile torchcompile"
    ),
    "predict --json has the probabilities of all classes": "k top-k topk",
    "an export takes any batch size, and its other settings are automatic": (
        "dynamic opset opset-version simplify"
    ),
    "pictures are resized as in training": "center-crop crop-pct interpolation",
}
"""Names there of what needs no option here, by the reason."""

COMMANDS: dict[str, str] = {
    "train": "fine-tune finetune fit learn",
    "train --resume RUN": "continue resume",
    "evaluate": "score test val validate",
    "predict": "classify detect infer inference label",
    "export": "convert",
    "search": "hpo optimise optimize sweep tune",
    "bench": "profile speed",
    "describe": "info summary",
    "recipes": "configs list-models models zoo",
    "runs": "experiments history list ls",
    "report": "plot plots results show visualise visualize",
    "inspect": "data dataset",
    "watch": "dashboard logs monitor tail",
    "serve": "api deploy server",
    "--help": "help",
    "--version": "version",
}
"""Commands there, by the command here."""
