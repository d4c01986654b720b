"""marks.py README TABLES: put the tables between the marks of README."""
import sys

START, END = "<!-- peers: start -->\n", "<!-- peers: end -->\n"
readme, tables = sys.argv[1:]
with open(readme) as file:
    before, start, rest = file.read().partition(START)
_, end, after = rest.partition(END)
if not (start and end):
    sys.exit("%s has no marks: %s%s" % (readme, START, END))
with open(tables) as file:
    text = file.read()
with open(readme, "w") as file:
    file.write(before + START + text.strip() + "\n" + END + after)
