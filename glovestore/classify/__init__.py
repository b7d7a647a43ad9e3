"""Text classifiers over word vectors: training, evaluation, reports."""
