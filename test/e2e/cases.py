# A test that speaks of %model runs once for every checkpoint in test/models, one
# that speaks of %family for every built-in family: one result for each, such as
# e2e/fused/mixtral.test. `lit-22 test/e2e --filter=mixtral` runs one model's. Quick
# runs have only those whose layers differ most.
import copy
import os
import re

import lit.Test
import lit.formats

project = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
families = os.path.join(project, "lib/Import/HuggingFace/families")
models = [(name, os.path.join(project, "test/models", name))
          for name in os.listdir(os.path.join(project, "test/models"))]
names = [os.path.splitext(file)[0] for file in os.listdir(families)]
quickNames = {"mixtral", "deepseek_v3", "gpt_oss_mxfp4", "llama4", "qwen2_moe"}
cases = {
    "%model": models,
    "%family": [(name, name) for name in names],
}


class Case(lit.Test.Test):
    """A test of its own whose text is `template`."""

    def __init__(self, template, name, config):
        path = template.path_in_suite
        stem = os.path.splitext(path[-1])[0]
        super().__init__(template.suite, path[:-1] + (stem, name + ".test"), config)
        self.template = template

    def getSourcePath(self):
        return self.template.getSourcePath()


class ForEachCase(lit.formats.ShTest):
    def __init__(self, quick):
        super().__init__(execute_external=False)
        self.quick = quick

    def getTestsForPath(self, *arguments):
        for test in super().getTestsForPath(*arguments):
            with open(test.getSourcePath()) as file:
                axes = set(re.findall("%(?:model|family)", file.read()))
            if not axes:
                yield test
            for axis in axes:
                for name, value in cases[axis]:
                    if self.quick and name not in quickNames:
                        continue
                    own = copy.copy(test.config)
                    own.substitutions = test.config.substitutions + [(axis, value)]
                    yield Case(test, name, own)
