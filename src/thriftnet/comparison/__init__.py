"""Statistics over seeds and images, and the sentence that says what they show."""
