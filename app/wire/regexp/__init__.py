"""Regular expressions in Go's syntax (RE2), matched in time linear in the text, whatever the expression.

Expressions come from configuration files and from the holders of accounts, texts from strangers. Python's `re` tries
one way after the other, so `(a*)*b` against a line of a's takes for ever; here all ways are followed at once.

    text -> parse -> tree -> program -> automaton -> yes or no
                                     -> tracer -> where the match and its groups are

`parse` reads the syntax with the rules of Go's regexp/syntax package into the nodes of `tree`; `program` turns those
into the instructions of a nondeterministic automaton; `automaton` follows them, remembering which sets of places it has
seen, so that a text that resembles earlier ones costs one dict lookup for each character; `tracer` follows them with
where each has been. `matcher` ties it together and knows when a plain text search does.

Bounds: an expression has at most MAX_EXPRESSION characters and MAX_INSTRUCTIONS instructions after its repeats are
written out; a step costs at most one visit to each instruction; the memory for seen sets is limited for each matcher.

Start reading at `matcher.py`.
"""
