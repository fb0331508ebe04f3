"""The networks of the NTK rows in PyTorch, and the shape of one input."""
import torch


class LastState(torch.nn.Module):
    """GRU written out step by step: functorch has no batching rule for the fused one."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.x = torch.nn.Linear(inputs, 3 * hidden)
        self.h = torch.nn.Linear(hidden, 3 * hidden)
        self.readout = torch.nn.Linear(hidden, outputs)
        self.hidden = hidden

    def forward(self, x):
        state = x.new_zeros(x.shape[0], self.hidden)
        for t in range(x.shape[1]):
            xr, xz, xn = self.x(x[:, t]).chunk(3, -1)
            hr, hz, hn = self.h(state).chunk(3, -1)
            z = torch.sigmoid(xz + hz)
            state = (1 - z) * torch.tanh(xn + torch.sigmoid(xr + hr) * hn) + z * state
        return self.readout(state)


def network(name):
    nn = torch.nn
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)), (784,)
    if name == "wide mlp":
        return nn.Sequential(nn.Linear(3072, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)), (3072,)
    if name == "cnn":
        convolutions = [nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3)]
        return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(21632, 10)), (3, 32, 32)
    return LastState(16, 64, 10), (32, 16)
