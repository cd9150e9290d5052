"""The runner tells a mutant that was caught from one that survived, one that is broken and one that fits no more."""

import pathlib
import tempfile
import unittest

import mutants
from mutants import BROKEN, CAUGHT, SURVIVED, Mutant, Unfit

CODE = "runtime/core/src/a.rs"
ORIGINAL = "fn a() {\n    one();\n    two();\n}\n"


def mutant(name="m", file=CODE, find="two()", replace="three()"):
    return Mutant(name=name, bug="a bug", file=file, find=find, replace=replace)


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write(CODE, ORIGINAL)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def code(self):
        return (self.root / CODE).read_text()


class Check(InFolder):
    def check_refused(self, wrong, said):
        with self.assertRaisesRegex(Unfit, said):
            mutants.check([mutant("sound"), wrong], self.root)

    def test_what_fits_is_taken(self):
        mutants.check([mutant(), mutant("n", find="one();\n    two", replace="two")], self.root)

    def test_what_is_not_there_any_more_is_stale(self):
        self.check_refused(mutant("old", find="four()"), "old is stale.* 0 times")

    def test_what_is_there_twice_is_stale(self):
        self.check_refused(mutant(find="();"), "m is stale.* 2 times")

    def test_a_file_that_is_gone_is_stale(self):
        self.check_refused(mutant(file="runtime/core/src/b.rs"), "m is stale: there is no")

    def test_only_the_code_under_test_is_changed(self):
        self.check_refused(mutant(file="tests/simulation/src/lib.rs"), "not below")

    def test_a_mutant_changes_something(self):
        self.check_refused(mutant(replace="two()"), "changes nothing")


class Load(InFolder):
    ENTRY = '[[mutant]]\nname = "{}"\nbug = "b"\nfile = "f"\nfind = "x"\nreplace = "y"\n'

    def load(self, text, only=None):
        return mutants.load(self.write("list.toml", text), only)

    def test_names_choose(self):
        text = self.ENTRY.format("a") + self.ENTRY.format("b")
        self.assertEqual([it.name for it in self.load(text)], ["a", "b"])
        self.assertEqual([it.name for it in self.load(text, ["b"])], ["b"])

    def test_lists_that_say_something_else_are_refused(self):
        for text, only, said in [
            ("", None, "no mutant"),
            (self.ENTRY.format("a") * 2, None, "more than one"),
            (self.ENTRY.format("a"), ["b"], "no mutant is named b"),
            ('[[mutant]]\nname = "a"\n', None, "each mutant has"),
            (self.ENTRY.format("a") + 'more = "z"\n', None, "each mutant has"),
        ]:
            with self.subTest(said), self.assertRaisesRegex(Unfit, said):
                self.load(text, only)


class Judge(InFolder):
    def judge(self, listed, verdicts):
        """The results, with a simulation that says these verdicts, and the code that it saw each time."""
        verdicts, seen = iter(verdicts), []

        def simulate():
            seen.append(self.code())
            return next(verdicts), "seed 7: a law"

        return mutants.judge(listed, self.root, simulate, lambda line: None), seen

    def test_each_mutant_is_alone_in_the_code_and_taken_out_again(self):
        listed = [mutant("a"), mutant("b", find="one()", replace="two()")]
        results, seen = self.judge(listed, [SURVIVED, CAUGHT, SURVIVED])
        self.assertEqual([result.verdict for result in results], [CAUGHT, SURVIVED])
        self.assertEqual(seen, [ORIGINAL, ORIGINAL.replace("two()", "three()"), ORIGINAL.replace("one()", "two()")])
        self.assertEqual(self.code(), ORIGINAL)

    def test_code_that_fails_without_a_mutant_is_not_judged(self):
        for verdict in (CAUGHT, BROKEN):
            with self.assertRaisesRegex(Unfit, "without a mutant does not pass: seed 7"):
                self.judge([mutant()], [verdict])

    def test_the_table_names_who_caught_and_who_survived(self):
        results, _ = self.judge([mutant("a"), mutant("b"), mutant("c")], [SURVIVED, CAUGHT, SURVIVED, BROKEN])
        text = mutants.table(results)
        self.assertRegex(text, r"a +caught .*seed 7: a law")
        self.assertIn("1 of 3 mutants were caught", text)
        self.assertIn("SURVIVED: b (a bug)", text)
        self.assertIn("DOES NOT COMPILE: c (a bug)", text)

    def test_a_run_of_the_simulation_is_read_by_its_exit_code(self):
        self.assertEqual(mutants.outcome(0, "300 seeds"), (SURVIVED, ""))
        self.assertEqual(mutants.outcome(1, "ok\nseed 3: lost\nmore\nand more"), (CAUGHT, "seed 3: lost: more"))
        self.assertEqual(mutants.outcome(-6, "panicked"), (CAUGHT, "panicked"))
        with self.assertRaisesRegex(Unfit, "ended with 2"):
            mutants.outcome(2, "usage")


class Copy(InFolder):
    def test_a_workspace_has_the_crates_alone(self):
        self.write("Cargo.toml", '[workspace]\nmembers = [\n    "config",\n    "plugins/*",\n]\nexclude = ["bench"]\n')
        self.write("Cargo.lock", "")
        self.write("tests/simulation/src/main.rs", "")
        self.write("config/src/lib.rs", "")
        to = self.root / "target/workspace"
        mutants.copy(self.root, to)
        manifest = (to / "Cargo.toml").read_text()
        expected = '[workspace]\nmembers = ["runtime/core", "tests/simulation"]\nexclude = ["bench"]\n'
        self.assertEqual(manifest, expected)
        self.assertEqual((to / CODE).read_text(), ORIGINAL)
        self.assertFalse((to / "config").exists())


if __name__ == "__main__":
    unittest.main()
