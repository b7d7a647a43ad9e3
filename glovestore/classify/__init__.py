"""Text classification: `TextClassifier`, an RNN on pretrained vectors, and what there is to know about one."""

try:
    from glovestore.classify.estimator import TextClassifier
    from glovestore.classify.evaluation import Evaluation, evaluate
    from glovestore.classify.report import write_report
except ModuleNotFoundError as error:
    module = (error.name or "").partition(".")[0]
    package = {"sklearn": "scikit-learn", "jinja2": "Jinja2"}.get(module, module)
    raise ImportError(f'glovestore.classify needs {package}: pip install "glovestore[train]"') from error

__all__ = ["Evaluation", "TextClassifier", "evaluate", "write_report"]
