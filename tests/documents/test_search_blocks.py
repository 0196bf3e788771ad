from documents.search_blocks import shortened


def test_long_paragraphs_lose_their_middle_and_short_ones_nothing():
    short = "a\nb\nc"
    rows = [f"row {n}" for n in range(20)]
    text = shortened("\n\n".join([short, "\n".join(rows), short]))
    assert text.split("\n\n")[0] == text.split("\n\n")[2] == short
    middle = text.split("\n\n")[1].split("\n")
    assert middle == [*rows[:5], "... 12 lines ...", *rows[-3:]]


def test_what_is_left_out_is_longer_than_the_words_for_it():
    ten = "\n".join(map(str, range(10)))
    assert shortened(ten) == ten
