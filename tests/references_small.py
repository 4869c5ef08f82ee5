"""The gallery's models without a published class, as a person would write them in PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class DoubleConv(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(self.one(in_channels, out_channels), self.one(out_channels, out_channels))

    @staticmethod
    def one(in_channels: int, out_channels: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class Down(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.max_pool2d(x, kernel_size=2))


class Up(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)
        self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.conv(torch.cat([skip, self.up(x)], dim=1))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = DoubleConv(1, 64)
        self.down1 = Down(64, 128)
        self.down2 = Down(128, 256)
        self.down3 = Down(256, 512)
        self.down4 = Down(512, 1024)
        self.up1 = Up(1024, 512)
        self.up2 = Up(512, 256)
        self.up3 = Up(256, 128)
        self.up4 = Up(128, 64)
        self.head = nn.Conv2d(64, 1, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        if height % 16 or width % 16:
            raise ValueError(f"height and width must be multiples of 16, not {height} and {width}")
        stem = self.stem(image)
        down1 = self.down1(stem)
        down2 = self.down2(down1)
        down3 = self.down3(down2)
        down4 = self.down4(down3)
        x = self.up1(down4, down3)
        x = self.up2(x, down2)
        x = self.up3(x, down1)
        x = self.up4(x, stem)
        return self.head(x)


class LSTMClassifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1000, 64, padding_idx=0)
        self.lstm = nn.LSTM(64, 128, num_layers=2, batch_first=True, dropout=0.2)
        self.fc = nn.Linear(128, 4)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(
            self.embedding(tokens),
            lengths.cpu(),
            batch_first=True,
            enforce_sorted=False,
        )
        _, (hidden, _) = self.lstm(packed)
        return self.fc(hidden[-1])


class GRUTagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(40, 128, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(256, 30)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(
            frames,
            lengths.cpu(),
            batch_first=True,
            enforce_sorted=False,
        )
        packed, _ = self.gru(packed)
        x, _ = pad_packed_sequence(packed, batch_first=True, total_length=frames.shape[1])
        x = F.log_softmax(self.fc(x), dim=2)
        return x.transpose(0, 1)


class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, 8),
        )
        self.decoder = nn.Sequential(
            nn.Linear(8, 32),
            nn.ReLU(),
            nn.Linear(32, 64),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, 8, 8)),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.decoder(self.encoder(image))


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, 128)
        self.mean = nn.Linear(128, 8)
        self.log_variance = nn.Linear(128, 8)
        self.decoder = nn.Sequential(
            nn.Linear(8, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.Unflatten(1, (1, 8, 8)),
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = F.relu(self.hidden(image.flatten(start_dim=1)))
        mean = self.mean(features)
        log_variance = self.log_variance(features)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        return self.decoder(z), mean, log_variance


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, 128)
        self.fc = nn.Linear(128, 16)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.hidden(x.flatten(start_dim=1)))
        return self.fc(x)


class Triplet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = Encoder()

    def forward(self, image: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.a(image), self.a(positive), self.a(negative)


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.summed = nn.Linear(8, 16)
        self.digit = nn.Linear(1040, 10)
        self.ink = nn.Linear(1040, 1)

    def forward(self, image: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        seen = F.relu(self.conv(image))
        seen = seen.flatten(start_dim=1)
        summed = self.summed(rows)
        both = torch.cat([seen, summed], dim=1)
        return self.digit(both), self.ink(both)
