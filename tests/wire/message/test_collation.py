from app.wire.message.collation import casemap


def test_case_and_ways_of_writing_do_not_count():
    assert casemap("Grün") == casemap("GRU\u0308N")
    assert casemap("plain ASCII") == "PLAIN ASCII"
    assert casemap("Ångström") < casemap("zoe")


def test_only_mappings_of_one_character_count():
    assert casemap("ß") == "ß"
    assert casemap("ǆ") == casemap("ǅ")
