"""PyTorch: a store's vectors as `nn.Embedding`, texts as batches of ids, and an RNN that classifies them."""

try:
    import torch
except ModuleNotFoundError as error:
    raise ImportError('glovestore.torch needs PyTorch: pip install "glovestore[torch]"') from error

from glovestore.torch.collating import Collate, collate
from glovestore.torch.embeddings import embedding
from glovestore.torch.rnn import RNNClassifier

__all__ = ["Collate", "RNNClassifier", "collate", "embedding", "torch"]
