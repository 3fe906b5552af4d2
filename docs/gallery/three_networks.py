"""
Compare three pretrained networks
=================================

You have networks with their weights, and ask which of them matches a recording, beside their
untrained twins.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from safetensors.torch import save_file

from normenc import figures, networks, study, tasks, training

# %%
# So that nothing need be downloaded, the three networks are trained here, for seconds, and their
# weights are saved.

folder = Path(tempfile.mkdtemp())
builders = {
    "FC": networks.FC,
    "ConvFC": lambda: networks.ConvFC(initial="random"),
    "VisionTransformer": networks.VisionTransformer,
}
task = tasks.TiltDiscrimination(n_train=500)
for name, build in builders.items():
    result = training.train(
        build, task, seed=1, n_epochs=8, optimizer="adam", learning_rate=2e-3, momentum=0.9, progress=False
    )
    save_file(result.network.state_dict(), folder / f"{name}.safetensors")
    print(f"{name}: {result.log.held_out_score:.2f} correct on fresh gratings")

# %%
# A study names each by what builds it, and by the file of its weights. A network of torchvision or
# timm is named ``"torchvision:resnet18"`` or ``"timm:resnet50.a1_in1k"``, its weights are a file
# that you have, or ``"download"``, and size and normalisation are those that the library states.
# Here they are given, because the networks are our own.

shown = {"size": [48, 64], "n_channels": 1, "mean": [0.0], "std": [1.0], "untrained": 3}
settings = study.Study(
    recording={"source": "simulated-v1", "n_neurons": 100, "bin_width": 5},
    encoder=[
        {
            "model": f"normenc.networks:{name}",
            "weights": str(folder / f"{name}.safetensors"),
            "layers": ["fc"],
            "options": {"initial": "random"} if name == "ConvFC" else None,
            **shown,
        }
        for name in builders
    ],
    comparison={"n_samples": 50, "n_permutations": 199, "other_measures": []},
)
compared = study.compare(study.represent(study.prepare(settings), progress=False), progress=False)
print(compared.similarity[["encoder", "kind", "similarity", "low", "high"]].round(2).to_string(index=False))

# %%
# The same as a picture, the most similar network first.

# Picture: similarity of three pretrained networks, their untrained twins and controls, best first
figures.leaderboard(compared.similarity)
plt.show()

# %%
# **What this shows.** With their weights, all three networks reach a similarity of about 0.5, and
# without them less. Controls without any training reach more than 0.8. ``compared.differences``
# holds the paired tests.
#
# **What this does not show.** Why one network would be closer. Architecture, task, images and
# training differ all at once between published networks; the untrained twins take out the
# architecture alone.
