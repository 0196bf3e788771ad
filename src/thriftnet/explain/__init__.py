"""Why a network says what it says: where in a picture, and like which training images."""
