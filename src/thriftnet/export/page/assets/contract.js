"use strict";

// What the page asks of the `engine` that another file defines:
//   await engine.start(facts)   until pictures can be classified
//   await engine.classify(file) { probabilities, figures, note, outlier }: a share for each of
//                               facts.classes; pictures to show, each { caption, pixels, size } with
//                               RGB bytes (size, size, 3); words to add, or ""; whether the picture
//                               is unlike those of the training, undefined if that is not tested
// Both may throw a PictureError.

// Its message follows the name of the picture's file, or stands alone if start() throws it.
class PictureError extends Error {}
