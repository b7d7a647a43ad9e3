"""Text classification: `TextClassifier`, an RNN on pretrained vectors as a scikit-learn estimator."""

try:
    import safetensors  # noqa: F401
    import skorch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(f'glovestore.classify needs {error.name}: pip install "glovestore[train]"') from error

from glovestore.classify.estimator import TextClassifier

__all__ = ["TextClassifier"]
