# The gtest programs under BIN/unit, one lit test for each of their tests.
import os

import lit.formats

bin = lit_config.params.get("MOEC_BIN") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "bin")

config.name = "moec-unit"
config.test_format = lit.formats.GoogleTest(".", "Test")
config.suffixes = []
config.test_source_root = config.test_exec_root = os.path.join(os.path.abspath(bin), "unit")
