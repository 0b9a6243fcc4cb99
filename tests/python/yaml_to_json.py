"""Prints the documents of a YAML file as an array of JSON. A key that stands twice is an error."""

import json
import sys

import yaml


class Strict(yaml.SafeLoader):
    """Refuses a mapping that has a key twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise yaml.YAMLError(f"a key stands twice{node.start_mark}")
        return super().construct_mapping(node, deep)


with open(sys.argv[1], encoding="utf-8") as file:
    json.dump(list(yaml.load_all(file, Strict)), sys.stdout)
