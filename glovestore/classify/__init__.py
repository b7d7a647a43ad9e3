"""Text classification: `TextClassifier`, an RNN on pretrained vectors as a scikit-learn estimator, and what it is worth."""

from importlib import import_module

for module, package in (("jinja2", "Jinja2"), ("safetensors",) * 2, ("sklearn", "scikit-learn"), ("skorch",) * 2):
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(f'glovestore.classify needs {package}: pip install "glovestore[train]"') from error

from glovestore.classify.estimator import TextClassifier
from glovestore.classify.evaluation import Evaluation, evaluate
from glovestore.classify.report import write_report

__all__ = ["Evaluation", "TextClassifier", "evaluate", "write_report"]
