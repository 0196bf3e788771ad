"""A step of a training, for tests of what is shown of it."""

from thriftnet.training.progress import StepStats

MOMENT = StepStats(
    epoch=1,
    epochs=2,
    share=0.5,
    loss=1.0,
    accuracy=0.5,
    learning_rate=0.1,
    images_per_second=100.0,
    seconds_left=9.0,
)
