# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Does a task explain the code of visual cortex? A lesson in normative models
#
# You will train a small network to decide whether a grating is tilted to the right, and ask whether its layers
# represent gratings the way mouse visual cortex does. Then you will find out how little the answer means without the
# controls that are usually left out.
#
# **You need** NumPy, a little PyTorch, and about 70 minutes. The notebook computes for about half a minute on one core,
# without a GPU and without downloading anything.
#
# **You will be able to**
#
# - say what a normative model is, and what it explains;
# - derive the loss, the dissimilarity matrix and the comparison that such a study consists of, and program them;
# - judge whether a similarity between a network and a brain means anything.
#
# The lesson follows a study of a public course, Neuromatch Academy's tutorial on normative encoding models. Its
# recording is that of Stringer, Michaelos, Tsyboulski, Lindo & Pachitariu, *High-precision coding in visual cortex*,
# Cell 2021.
#
# Two exercises ask you to write a function. A checker calls it and explains what is wrong. Hints and solutions are
# collapsed: click on them. The lesson also works without your functions, so you may skip an exercise.
#
# On Colab, the first cell installs normenc, which takes a minute or two.

# %%
# ruff: noqa: D100, E402, RUF100
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("normenc") is None:  # as on Colab, which begins without it
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "normenc[nets]"], check=True)
if importlib.util.find_spec("checkers") is None:  # where the lesson stands alone, they come with normenc
    sys.path.append(str(Path(importlib.util.find_spec("normenc").origin).with_name("examples")))

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from torch import nn

import checkers
from normenc import (
    controls,
    embedding,
    figures,
    networks,
    recordings,
    representations,
    rsa,
    stimuli,
    tasks,
    training,
)

# %% [markdown]
# ## 1. The question (4 minutes)
#
# Record from thousands of neurons in primary visual cortex (V1) while a mouse looks at gratings. You can *describe*
# what the neurons do, with tuning curves. You can *explain* it by a mechanism: which synapses make a neuron prefer a
# tilt. A **normative model** asks something else: *why* should the neurons do this? What is it good for?
#
# The argument goes as follows.
#
# 1. Choose a task that the animal can solve, and that may have shaped its visual system.
# 2. Train a network to solve the task. It never sees a neuron's response.
# 3. Show the same stimuli to the network and to the animal, and compare how they represent them.
# 4. If they agree, the task may be the reason for the code: whoever solves it comes to represent stimuli like this.
#
# Step 4 has a gap, and most of this lesson prepares you to see it. Two representations may also agree because both
# contain the *stimuli*. Any sensible device that is shown gratings will treat similar gratings similarly, trained or
# not. Only a comparison with devices that were never trained can tell the difference.
#
# **To think about.** A network is fitted to the responses of the neurons themselves and then predicts them well. Is
# that a normative model?
#
# <details markdown="1"><summary>Answer</summary>
#
# No. It is a good description: it says which function of the image the neurons compute. It cannot say why they compute
# this one, since the neurons themselves taught it. Both kinds of model are worth having, and they answer different
# questions.
#
# </details>

# %% [markdown]
# ## 2. The task (10 minutes)
#
# The stimuli are square-wave gratings of 48 x 64 pixels. Orientation is in degrees from vertical, and positive is
# tilted right.

# %% alt="Five gratings; those of -90 and 90 degrees are the same"
angles = [-90, -45, 0, 45, 90]
panels = figures.example_stimuli(stimuli.gratings(angles).numpy(), angles)

# %% [markdown]
# The task: is the grating tilted to the right? A training set holds 1000 gratings at random orientations between -90
# and 90 degrees. The label is $y = 1$ for right and $y = 0$ for left.

# %%
task = tasks.TiltDiscrimination()
images, labels = task.sample(1000, np.random.default_rng(0))
print("images", tuple(images.shape), " labels", tuple(labels.shape), " tilted right:", int(labels.sum()))

# %% [markdown]
# **To think about.** Look at the pictures of -90 and 90 degrees again. What does that mean for the task?
#
# <details markdown="1"><summary>Answer</summary>
#
# They are the same picture, of a horizontal grating. Just below 90 degrees the right answer is "right", and just above
# -90 it is "left". So the task has a second boundary, at horizontal, that its name does not mention. Near it, as near
# vertical, the answer turns around within a degree, and no network can be right all the time.
#
# </details>
#
# ### The loss, derived
#
# The network should answer with a probability $p$ that the grating is tilted right. How good is an answer $p$ when the
# label is $y$? Take the network at its word: it claims that the label is 1 with probability $p$ and 0 with probability
# $1 - p$. Both cases in one line (a Bernoulli distribution):
#
# $$P(y \mid p) = p^{\,y} \, (1 - p)^{1 - y}$$
#
# The images of a batch are drawn independently, so that the probability of all $n$ labels together is the product. A
# good network makes the labels that really occurred probable. Maximising the product is the same as minimising the
# negative of its logarithm, and a logarithm turns the product into a sum. Divided by $n$, so that it does not depend on
# the size of the batch, this is the **binary cross-entropy**:
#
# $$L = -\frac{1}{n} \sum_{k=1}^{n} \big[\, y_k \log p_k + (1 - y_k) \log (1 - p_k) \,\big]$$
#
# Only one of the two terms counts for each image. A network that always says $p = 1/2$ has the loss
# $\log 2 = 0.693$: that is the loss of knowing nothing. A perfect network has the loss 0.

# %%
p = torch.tensor([0.9, 0.2, 0.6, 0.5])
y = torch.tensor([1.0, 0.0, 0.0, 1.0])
print("from the formula:", round(float(-(y * p.log() + (1 - y) * (1 - p).log()).mean()), 6))
print("from torch:      ", round(float(nn.functional.binary_cross_entropy(p, y)), 6))

# %% [markdown]
# The last layer makes the probability from a number $a$ that may be anything: $p = \sigma(a) = 1 / (1 + e^{-a})$. What
# does the loss of one image tell this number to do? With $\sigma'(a) = p \, (1 - p)$ and the chain rule,
#
# $$\frac{\partial L}{\partial a}
# = \Big( -\frac{y}{p} + \frac{1 - y}{1 - p} \Big) \, p \, (1 - p)
# = -y \, (1 - p) + (1 - y) \, p
# = p - y$$
#
# The gradient is the error: what was said minus what was right. Everything that the network learns is driven by it.
#
# **To think about.** Why not the squared error $(p - y)^2$?
#
# <details markdown="1"><summary>Answer</summary>
#
# Its gradient is $2 \, (p - y) \, p \, (1 - p)$. When the network is sure and wrong, say $p = 0.001$ and $y = 1$, the
# factor $p \, (1 - p)$ is almost 0, and the worst mistakes teach almost nothing. The cross-entropy has the gradient
# $-0.999$ there. It is also what the probabilities ask for, as you have just derived.
#
# </details>

# %% [markdown]
# ## 3. The network, layer by layer (13 minutes)
#
# ### FC: everything connected with everything
#
# The simplest network unrolls the image into a vector $x$ of 3072 pixels. Ten hidden units each take a weighted sum of
# all pixels, and the answer is made from these ten:
#
# $$h = \mathrm{relu}(W_1 x + b_1), \qquad p = \sigma(w_2 \cdot h + b_2), \qquad \mathrm{relu}(v) = \max(v, 0)$$
#
# The relu matters. Without it, two layers of weighted sums would be one weighted sum, and the answer could depend on
# the pixels in one linear way only.


# %%
def trace(network, images):
    """Print, for each layer, the shape of its output and how many numbers it learns."""
    x = images
    for layer in network:
        x = layer(x)
        learned = sum(parameter.numel() for parameter in layer.parameters())
        print(f"{type(layer).__name__:<10} {tuple(x.shape)!s:<16} {learned:>8,} learned")


torch.manual_seed(12)
fc_network = nn.Sequential(nn.Flatten(), nn.Linear(48 * 64, 10), nn.ReLU(), nn.Linear(10, 1), nn.Sigmoid())
trace(fc_network, images[:1])

# %% [markdown]
# Now train it. Each step takes a batch of 100 images, computes the loss, and lets PyTorch find the gradient of the loss
# with respect to all weights. Then it moves the weights a little against the gradient. Momentum adds 99 percent of the
# previous step, so that steps in a lasting direction add up.


# %%
def fit(network, images, labels, n_epochs=25):
    """Train a network in place; gives the loss of every batch."""
    optimizer = torch.optim.SGD(network.parameters(), lr=5e-4, momentum=0.99)
    losses = []
    for _ in range(n_epochs):
        for batch in torch.randperm(len(images)).split(100):
            loss = nn.functional.binary_cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


fc_losses = fit(fc_network, images, labels)
fresh_images, fresh_labels = task.sample(1000, np.random.default_rng(1))
fc_score = task.score(fc_network(fresh_images), fresh_labels)
print(f"loss of the first batch {fc_losses[0]:.3f}, of the last {fc_losses[-1]:.3f}")
print(f"right on fresh gratings: {fc_score:.1%}")

# %% [markdown]
# That was easy. These gratings all have the same phase and contrast, and even a single weighted sum of pixels, without
# any hidden layer, would do. Keep it in mind: *solving this task does not take anything like a visual system.*
#
# ### ConvFC: the same filters everywhere
#
# Neurons in V1 look at a small part of the image, and neurons that look at different parts often compute the same
# thing. A **convolution** builds this in. One filter $w_c$ of 7 x 7 weights is moved over the image, and its output is
# again an image, a **channel**:
#
# $$h_c(i, j) = \mathrm{relu}\Big( b_c + \sum_{k=-3}^{3} \sum_{l=-3}^{3} w_c(k, l) \; x(i + k, \, j + l) \Big)$$
#
# There are six channels. Pixels beyond the edge count as 0 (`padding=3`), so that a channel is as large as the image.

# %%
conv_fc = nn.Sequential(
    nn.Conv2d(1, 6, 7, padding=3),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(6 * 48 * 64, 10),
    nn.ReLU(),
    nn.Linear(10, 1),
    nn.Sigmoid(),
)
trace(conv_fc, images[:1, None])

# %% [markdown]
# The convolution has 300 numbers to learn, and the layer that reads it has six times as many as before: sharing
# weights is cheap, connecting everything is not.
#
# ### ConvPoolFC: a little tolerance
#
# **Pooling** keeps only the largest response in each window of 8 x 8 pixels. What is lost is *where* in the window the
# filter found its feature. What remains is *that* it was there. Complex cells of V1 show a similar tolerance.

# %%
conv_pool_fc = nn.Sequential(
    nn.Conv2d(1, 6, 7, padding=3),
    nn.ReLU(),
    nn.MaxPool2d(8),
    nn.Flatten(),
    nn.Linear(6 * 6 * 8, 10),
    nn.ReLU(),
    nn.Linear(10, 1),
    nn.Sigmoid(),
)
trace(conv_pool_fc, images[:1, None])

# %% [markdown]
# This is the network of the study. It makes one more choice, and you will meet its consequences in section 8: the six
# filters do not start at random. Two are centre-surround, like cells of the retina, and four are Gabors, like simple
# cells of V1. Here is what the filters (with relu) and the pooling make of one grating, white where the response is
# largest. The on-centre filter is all but silent: its weights add up to less than 0, so that a bar as wide as the
# filter suppresses it.

# %% alt=["A grating after each of six filters: lines at its edges", "The same after pooling: 6 x 8 coarse values"]
untrained = networks.ConvPoolFC()
layers = representations.represent(untrained, stimuli.gratings([30]), ["conv", "pool"])
names = ["on-centre", "off-centre", "Gabor 1", "Gabor 2", "Gabor 3", "Gabor 4"]
convolved = np.maximum(layers["conv"].to_numpy().reshape(6, 48, 64), 0)
panels = figures.readout_maps(convolved, neurons=range(6), labels=[f"conv: {name}" for name in names])
panels = figures.readout_maps(
    layers["pool"].to_numpy().reshape(6, 6, 8), neurons=range(6), labels=[f"pool: {name}" for name in names]
)

# %% [markdown]
# `training.train` does what your loop did, and draws its random numbers in the order of the study, so seed 12
# gives the study's own network. The course printed its losses; here they are next to ours.

# %%
result = training.train(networks.ConvPoolFC, task, seed=12, device="cpu", progress=False)
published = [4.10e-01, 5.17e-02, 1.32e-02, 2.27e-03, 8.15e-05]  # Neuromatch Academy
epochs = [5, 10, 15, 20, 25]
display(pd.DataFrame({"epoch": epochs, "published": published, "here": result.log.epoch_loss()[np.array(epochs) - 1]}))
print(f"right on fresh gratings: {result.log.held_out_score:.1%}, before training {result.log.untrained_score:.1%}")

# %% alt="Loss of FC and ConvPoolFC, falling over 25 epochs to below a hundredth of that of knowing nothing"
with figures.style():
    _, panel = plt.subplots(figsize=(4.6, 2.6), layout="constrained")
    for label, losses in {"FC": fc_losses, "ConvPoolFC": result.log.loss}.items():
        panel.semilogy(np.arange(1, 26), np.reshape(losses, (25, 10)).mean(axis=1), label=label)
    panel.axhline(np.log(2), color="black", linewidth=0.8, linestyle="--", label="knowing nothing")
    panel.set(xlabel="epoch", ylabel="mean loss of its batches")
    panel.legend()

# %% [markdown]
# What has it learned? Ask it about all orientations from -90 to 90 degrees. And look at the filters, before and after.

# %% alt="Probability of 'right': 0 for left tilts, 1 for right ones, and between the two at 0 and at 90 degrees"
orientation = np.arange(-90.0, 91.0)
gratings = stimuli.gratings(orientation)
with torch.no_grad():
    said_right = result.network(gratings)[:, 0].numpy()
with figures.style():
    _, panel = plt.subplots(figsize=(4.6, 2.6), layout="constrained")
    panel.plot(orientation, said_right, color="#0072B2")
    panel.axvline(0, color="black", linewidth=0.8, alpha=0.6)
    panel.set(xlabel="orientation (degrees)", ylabel="probability of 'right'", xticks=angles)

# %% alt="Six filters before and after training; each pair correlates by 0.99 or more"
panels = figures.learned_filters(
    result.untrained.conv.weight.detach().numpy()[:, 0], result.network.conv.weight.detach().numpy()[:, 0]
)

# %% [markdown]
# The answer turns from "left" to "right" within a few degrees of vertical. At -90 degrees it is that of 90 degrees, as
# it must be. Above each learned filter stands its correlation with the filter that it started from.
#
# **To think about.** The filters hardly changed. What does that predict for the layer `pool`, which comes right
# after them?
#
# <details markdown="1"><summary>Answer</summary>
#
# `pool` has no weights of its own: it is filter, relu and maximum. If the filters stay as they were, `pool` represents
# gratings after training as it did before. If it then resembles visual cortex, the similarity was *put in* when
# the filters were chosen, and training has no part in it. Section 8 measures this.
#
# </details>

# %% [markdown]
# ## 4. The recording (4 minutes)
#
# The study's recording has about 23,600 neurons of mouse V1 that respond to 181 gratings, from -90 to 90 degrees. It
# is a large file. This lesson uses a stand-in that comes with normenc: **a simulation; no animal was recorded.** Its
# 2000 neurons have tuning curves and noise chosen so that their geometry imitates the real one.
# The documentation says [what it imitates, and what it does not](simulation.md).
#
# To use the real recording, run `normenc recordings fetch stringer2021` in a terminal and write `"stringer2021"` below.
# The code stays the same. What the text says of the pictures was written for the simulation.

# %%
SOURCE = "simulated-v1"
recording = recordings.load(SOURCE)
name = "simulated V1" if recording.simulated else recording.name
responses = recording.responses.to_numpy()
n_stimuli, n_neurons = responses.shape
print(f"{name}: {n_stimuli} stimuli x {n_neurons} neurons, units: {recording.units}, simulated: {recording.simulated}")
print("orientations:", recording.orientation[:3], "...", recording.orientation[-3:])

# %% [markdown]
# Each neuron's responses are z-scores over the stimuli: 0 is the neuron's mean, and values below it are negative.
#
# Now show the same 181 gratings to the network, and read two layers: `pool` with 288 units, and `fc` with 10 units,
# before their relu. A population, of neurons or of units, is from here on a matrix of stimuli x units, and nothing
# else.

# %%
images = stimuli.gratings(recording.orientation)
read = representations.represent(result.network, images, ["pool", "fc"])
populations = {name: responses, "pool": read["pool"].to_numpy(), "fc": read["fc"].to_numpy()}
for label, population in populations.items():
    print(f"{label:<14} {population.shape[0]} stimuli x {population.shape[1]} units")

# %% [markdown]
# ## 5. The dissimilarity matrix (12 minutes)
#
# How do you compare 2000 neurons with 288 units? No unit belongs to any neuron. **Representational similarity
# analysis** (Kriegeskorte, Mur & Bandettini 2008) steps around the question. Inside each population, ask for every pair
# of stimuli how *different* the two patterns of response are. That gives each population a matrix of stimuli x stimuli,
# and these matrices can be compared, since the stimuli are the same.
#
# ### From the correlation to one matrix product
#
# Let $x_{iu}$ be the response of unit $u$ to stimulus $i$, with $N$ units. The usual measure of difference is one minus
# Pearson's correlation of the two patterns. By definition,
#
# $$r_{ij} = \frac{\frac{1}{N} \sum_u (x_{iu} - \bar{x}_i)(x_{ju} - \bar{x}_j)}{s_i \, s_j},
# \qquad \bar{x}_i = \frac{1}{N} \sum_u x_{iu},
# \qquad s_i^2 = \frac{1}{N} \sum_u (x_{iu} - \bar{x}_i)^2$$
#
# The mean and the standard deviation run over the *units*, for one stimulus at a time. Pull $s_i$ and $s_j$ into the
# sum, each to its own factor, and call what you get $z$:
#
# $$r_{ij} = \frac{1}{N} \sum_u \underbrace{\frac{x_{iu} - \bar{x}_i}{s_i}}_{z_{iu}} \;
# \underbrace{\frac{x_{ju} - \bar{x}_j}{s_j}}_{z_{ju}}$$
#
# $z_{iu}$ is the z-score of stimulus $i$'s pattern. A sum over $u$ of products of row $i$ with row $j$ is what a matrix
# product does, so that all pairs at once are $Z Z^T / N$. The **representational dissimilarity matrix** (RDM) is
#
# $$M = 1 - \frac{1}{N} Z Z^T$$
#
# Check the diagonal: $r_{ii} = \frac{1}{N} \sum_u z_{iu}^2$ is the variance of a z-score, which is 1. So $M_{ii} = 0$,
# and nothing differs from itself. It comes out exactly only when $s_i$ is the *population* standard deviation, which
# divides by $N$ as the product does.
#
# What do the numbers mean? Multiply out the squared distance of two z-scored patterns:
#
# $$|z_i - z_j|^2 = |z_i|^2 + |z_j|^2 - 2 \, z_i \cdot z_j = N + N - 2 N r_{ij} = 2 N \, M_{ij}$$
#
# A dissimilarity is a squared distance between patterns. 0 is the same pattern, 1 are unrelated patterns, 2 are
# opposite ones.
#
# ### Exercise 1: write it
#
# Fill in the function. Run the cell as it is first, to see how the checker speaks.


# %%
def my_rdm(responses):
    """Give the dissimilarity of every pair of stimuli, shape (n_stimuli, n_stimuli).

    `responses` is a NumPy array of shape (n_stimuli, n_units).
    """
    ...  # your code here


checkers.check_rdm(my_rdm)

# %% [markdown]
# <details markdown="1"><summary>Hint 1</summary>
#
# Three lines will do: z-score the rows, multiply, subtract from 1. The rows are stimuli, the columns are units. Along
# which of the two does the mean run that each *stimulus* gets?
#
# </details>
#
# <details markdown="1"><summary>Hint 2</summary>
#
# `responses.mean(axis=1)` has the shape `(n_stimuli,)`, and NumPy would line it up with the units. With `keepdims=True`
# it stays a column, and each row gets its own mean. The same holds for `std`.
#
# </details>
#
# <details markdown="1"><summary>Solution</summary>
#
# ```python
# def my_rdm(responses):
#     mean = responses.mean(axis=1, keepdims=True)
#     z = (responses - mean) / responses.std(axis=1, keepdims=True)
#     return 1 - z @ z.T / responses.shape[1]
# ```
#
# `1 - np.corrcoef(responses)` is the same in one line. You now know what it does.
#
# </details>
#
# From here on the lesson uses the package's own function, which gives the same.

# %% alt="Dissimilarity matrices: simulated V1 and pool with a dark diagonal, fc with two dark blocks"
matrices = {label: rsa.rdm(population) for label, population in populations.items()}
panels = figures.rdms(matrices, recording.orientation)

# %% [markdown]
# Read one matrix as a map. Row and column are orientations. Near the diagonal are neighbours, which evoke similar
# patterns. Where a matrix shows blocks, the population divides the orientations into classes.
#
# **To think about.** (a) Which of the two layers shows blocks, and where do they meet? Why? (b) The corners at the
# lower left and upper right compare -90 with 90 degrees. Why are they dark in both layers, and not in the recording?
#
# <details markdown="1"><summary>Answers</summary>
#
# (a) `fc`. Left and right tilts are far apart, and orientations on the same side are close to each other: the task asks
# for the side and for nothing else, and `fc` is the layer from which the answer is made. The blocks meet at 0, and
# again at the hidden boundary at 90 degrees.
#
# (b) -90 and 90 degrees are one image, and a network that sees single images must treat them alike. In the experiment
# gratings *drifted*, and those at -90 and 90 degrees moved in opposite directions. Neurons of V1 tell directions apart,
# and the simulation has such neurons. No model that is given single images can reach this part of the recording.
#
# </details>

# %% [markdown]
# ## 6. Comparing two matrices (8 minutes)
#
# Now each population is a matrix of 181 x 181. How similar are two matrices $A$ and $B$? The study answers: by the
# Pearson correlation of their upper triangles, without the diagonal. Each of these words has a reason.
#
# **Upper triangle.** $M_{ij} = M_{ji}$, so that the lower triangle says everything a second time.
#
# **Without the diagonal.** It is 0 in every RDM, by definition and not by measurement. Points at $(0, 0)$ lie far from
# all others, and they pull the correlation of *any* two RDMs upwards. Below, two RDMs of pure noise.

# %%
rng = np.random.default_rng(3)
few = np.array([[rsa.rdm(rng.normal(size=(10, 50))) for _ in range(2)] for _ in range(500)])
above = np.triu_indices(10, k=1)
with_diagonal = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in few]
without = [np.corrcoef(a[above], b[above])[0, 1] for a, b in few]
print(f"unrelated RDMs, mean similarity with the diagonal {np.mean(with_diagonal):.2f}, without {np.mean(without):.2f}")

# %% [markdown]
# **Correlation**, rather than the distance between the matrices. The reason is noise. Suppose that the responses have
# the variance $\sigma^2$ over units, and independent noise adds $\nu^2$. For two different stimuli the covariance stays
# what it was, and both variances grow:
#
# $$r'_{ij} \approx \frac{\sigma^2}{\sigma^2 + \nu^2} \, r_{ij} = c \, r_{ij}
# \qquad \Rightarrow \qquad
# M'_{ij} \approx 1 - c \, (1 - M_{ij}) = (1 - c) + c \, M_{ij}$$
#
# Noise stretches all dissimilarities by the same factor and shifts them by the same amount. A recording is noisy and a
# network is not, and this should not count against the network. Pearson's correlation is invariant to exactly that:
# to a stretch and a shift.
#
# ### Exercise 2: write it


# %%
def my_comparison(a, b):
    """Give the Pearson correlation of two RDMs, over all pairs of different stimuli: a number.

    `a` and `b` are NumPy arrays of shape (n_stimuli, n_stimuli).
    """
    ...  # your code here


checkers.check_comparison(my_comparison)

# %% [markdown]
# <details markdown="1"><summary>Hint 1</summary>
#
# `np.triu_indices(n, k=...)` gives the rows and the columns of the entries in the upper triangle. `k` says where the
# triangle starts: 0 is the diagonal. A matrix indexed with both gives a vector.
#
# </details>
#
# <details markdown="1"><summary>Hint 2</summary>
#
# `np.corrcoef(x, y)` of two vectors gives a matrix of 2 x 2. Its diagonal is the correlation of each vector with
# itself.
#
# </details>
#
# <details markdown="1"><summary>Solution</summary>
#
# ```python
# def my_comparison(a, b):
#     pairs = np.triu_indices(len(a), k=1)
#     return np.corrcoef(a[pairs], b[pairs])[0, 1]
# ```
#
# </details>
#
# Here is the study's result: which layer is more similar to the recording? (Again with the package's function. It knows
# [other comparisons](statistics.md) too.)

# %%
v1 = matrices[name]
for layer in ("pool", "fc"):
    print(f"{layer:<5} {rsa.compare_rdms(matrices[layer], v1):.3f}")

# %% [markdown]
# The study found 0.717 for `pool` and 0.564 for `fc` on the real recording, as its bar chart shows. It stops about
# here: *the pooling layer of a network that was trained on tilt resembles visual cortex.* Before you believe it, look
# more closely at what these numbers sum up. Then ask what they leave out.

# %% [markdown]
# ## 7. A closer look (8 minutes)
#
# ### Rows
#
# One number hides where two matrices agree. A row of an RDM shows how far all orientations are from one of them.

# %% alt="Rows of the three matrices: dissimilarity of all orientations from -75, -25, 25 and 75 degrees"
panels = figures.rdm_rows(matrices, recording.orientation)

# %% [markdown]
# - The recording jumps at once to about 0.3, even between neighbours. That is noise, as section 6 derived: it lifts
#   everything but the comparison of a stimulus with itself. Then it rises for some 45 degrees and levels off.
# - `pool` rises within some ten degrees and is flat from there. It is also lower throughout, which the correlation does
#   not mind.
# - `fc` hardly tells orientations on one side apart. It jumps at vertical, where the answer of the task changes, and
#   comes down again towards horizontal, the hidden boundary.
#
# ### Tuning curves
#
# A column of a population's matrix, one unit's responses to all orientations, is a tuning curve. Three units of each
# population, drawn at random:

# %% alt="Tuning curves of three neurons, three units of pool and three of fc"
panels = figures.tuning_curves(populations, recording.orientation, recording=name, units=recording.units, seed=1)

# %% [markdown]
# Many neurons have a bump around the orientation that they prefer, and some are mostly noise. Units of `pool` jump,
# because the gratings are black and white and a maximum moves from one pixel to another. Some units of `fc`
# distinguish left from right. *The RDM sees none of this*: it knows how different two patterns are, and not what any
# single unit does. Populations of very different units can have the same RDM.
#
# ### Embeddings
#
# A picture of the geometry: each stimulus is a point, and t-SNE puts points close together that have similar patterns.

# %% alt="Embeddings: orientations in order along a curve in simulated V1 and pool, in a crowded line in fc"
points = {label: embedding.embed(population) for label, population in populations.items()}
panels = figures.embeddings(points, recording.orientation)

# %% [markdown]
# Read such a picture with care. Neighbourhood means something. The size of a cluster and the distance between far
# clusters do not. What you may say: in the recording and in `pool`, orientations lie in order along a curve. In `fc`
# all orientations of one side end up together.
#
# **To think about.** (a) For the recording, -90 and 90 degrees are the two ends of the curve, though their gratings
# look alike. Why? (b) In `pool` the colours of -90 and 90 degrees meet, as they should, but the curve has two ends
# elsewhere. Is there a gap in the representation? How could you find out?
#
# <details markdown="1"><summary>Answers</summary>
#
# (a) Those gratings moved in opposite directions, and the neurons tell directions apart; section 5 came across it.
#
# (b) Look at the RDM, not at the picture. Compare the dissimilarity across the ends with that of orientations as far
# apart elsewhere: `matrices["pool"][89, 91]` is that of -1 and 1 degrees. It is nothing special. Orientations form a
# circle, and t-SNE, which keeps small distances, may tear a circle open anywhere.
#
# </details>

# %% [markdown]
# ## 8. What the study overlooks (9 minutes)
#
# "`pool` has a similarity of 0.73" is not yet a finding. Four questions remain before it becomes a claim.
#
# ### Would something untrained do as well?
#
# The claim is about the *task*. So compare with everything that has not learned it:
#
# - the **untrained twin**: the same network, from the same seed, before its first step;
# - the **pixels** themselves;
# - the **Fourier amplitude** of the image, which says which orientations and frequencies it holds, and not where;
# - **Gabor energy**, the textbook model of a complex cell.
#
# ### Was it luck of the seed?
#
# A network starts from random weights, and another seed gives another network. So train it from several. Three are
# enough for a lesson; take five or more where it matters.

# %%
results = [result, *(training.train(networks.ConvPoolFC, task, seed=s, device="cpu", progress=False) for s in (1, 2))]


def layer_rdms(network_of, layer):
    """Give the RDMs of one layer in the networks of all seeds, shape (n_seeds, n_stimuli, n_stimuli)."""
    read = [representations.represent(network_of(r), images, [layer])[layer] for r in results]
    return np.stack([rsa.rdm(population) for population in read])


models = {
    f"{layer}, {state}": layer_rdms(network_of, layer)
    for layer in ("pool", "fc")
    for state, network_of in {"trained": lambda r: r.network, "untrained": lambda r: r.untrained}.items()
}
for label, encoder in {
    "Fourier amplitude": controls.fourier_amplitude,
    "Gabor energy": controls.gabor_energy,
    "pixels": controls.pixels,
}.items():
    (population,) = representations.represent(encoder, images).values()
    models[label] = rsa.rdm(population)

for label, model in models.items():
    print(f"{label:<18}", np.round(np.atleast_1d(np.squeeze(rsa.compare_rdms(model, v1))), 3))

# %% [markdown]
# Read the list twice. `pool` is about as similar to the recording before training as after it. A Fourier transform,
# which learns nothing, is above both. Training does make `fc` more similar to the recording, but it stays below the
# Fourier transform, Gabor energy, and the pooling layer that learned nothing. The layer that won the study won
# because of its filters and the stimuli. Training on the task added next to nothing.
#
# **To think about.** Why is untrained `pool` exactly the same for all seeds, and untrained `fc` not?
#
# <details markdown="1"><summary>Answer</summary>
#
# The filters do not start at random but at the study's Gabors, the same for every seed, and `pool` has no other
# weights. The weights of `fc` are drawn anew.
#
# </details>
#
# ### How similar could any model be? The noise ceiling
#
# If the recording were repeated with other neurons, its RDM would differ a little. No model can be expected to be more
# similar to the recording than a second recording. So split the neurons into two random halves and compare *their*
# RDMs. A half is noisier than the whole. The formula of Spearman and Brown says what the whole would give:
# $2 r / (1 + r)$, where $r$ is the similarity of the halves.

# %%
rng = np.random.default_rng(0)
halves = []
for _ in range(20):
    order = rng.permutation(n_neurons)
    first, second = responses[:, order[: n_neurons // 2]], responses[:, order[n_neurons // 2 :]]
    halves.append(rsa.compare_rdms(rsa.rdm(first), rsa.rdm(second)))
r = np.mean(halves)
print(f"similarity of halves {r:.3f}, hence of two such recordings {2 * r / (1 + r):.3f}")
ceiling = rsa.noise_ceiling(responses=responses)
print(f"normenc's ceiling, from halves of the {ceiling.kind}: {ceiling.lower:.3f} to {ceiling.upper:.3f}")

# %% [markdown]
# The lower end is the similarity with another recording, the upper end (its square root) that with the RDM free of
# noise. The best control is below it. So there is something in the recording that none of our models has; you know one
# part of it, the corners. A warning: this ceiling knows of other *neurons* of the same animal, and not of other
# animals. Noise that all neurons share goes unnoticed. With repeated trials or several animals there are [better
# ceilings](statistics.md).
#
# ### Compared with what chance?
#
# A correlation of 16,290 pairs of stimuli looks significant whatever its size. But neighbouring gratings evoke nearly
# the same patterns, and every smooth population has an RDM that rises away from the diagonal. Look at what happens when
# the orientations of the recording are exchanged for wrong ones: at random, or by turning the whole circle.

# %%
pool = models["pool, trained"][0]
at_random = []
for _ in range(200):
    order = rng.permutation(n_stimuli)
    at_random.append(rsa.compare_rdms(pool, v1[np.ix_(order, order)]))
turned = [rsa.compare_rdms(pool, np.roll(v1, (k, k), axis=(0, 1))) for k in range(1, n_stimuli)]
observed = rsa.compare_rdms(pool, v1)
print(f"right orientations: {observed:.3f}")
print(f"wrong at random:    {np.min(at_random):.3f} to {np.max(at_random):.3f}")
print(f"wrong by turning:   {np.min(turned):.3f} to {np.max(turned):.3f}")
print(f"{np.mean(np.array(turned) >= observed):.0%} of all turns are as similar as the right orientations, or more so")

# %% [markdown]
# Against random orders the similarity looks like a triumph. Against turns it looks ordinary: a representation in which
# neighbours are alike matches the recording wherever one starts to count. Neither test is wrong; they ask different
# questions. The first asks whether the model knows *which orientations are neighbours*. The second asks whether it
# knows
# *which orientation is which*, and a model that treats all orientations alike cannot pass it, however good it is.
#
# For the same reason 181 neighbouring gratings say no more than a handful of independent stimuli, and an interval that
# takes them for 181 is far too narrow. `rsa.infer` does all of this at once. Here it resamples stimuli (in blocks of
# neighbours), neurons and seeds, and gives intervals, ceiling and tests: `p_permutations` with orientations exchanged
# at random, `p_shifts` with the circle turned.
#
# Are these gratings a sample at all? At one degree there are no others between them. Without `generalise_to`,
# `rsa.infer` takes them as all there are and asks only about other neurons and seeds, and its intervals are narrower:
# [the scope](statistics.md) is part of every answer.

# %%
scope = ["stimuli", "neurons", "seeds"]
found = rsa.infer(models, responses=responses, ordered=True, generalise_to=scope, n_samples=300)
naive = rsa.infer(models, responses=responses, ordered=False, generalise_to=scope, n_samples=300)
table = found.models[["model", "similarity", "low", "high", "p_permutations", "p_shifts"]].copy()
table["low, neighbours ignored"] = naive.models["low"]
table["high, neighbours ignored"] = naive.models["high"]
display(table.round(3))

# %% alt="Similarities with simulated V1, with intervals: Fourier amplitude and Gabor energy above all layers"
bars = found.models.rename(columns={"model": "encoder"}).assign(
    recording=name,
    comparison="pearson",
    task=["tilt-discrimination", None] * 2 + [None] * 3,
    network=["ConvPoolFC"] * 4 + found.models["model"].tolist()[4:],
    layer=["pool", "pool", "fc", "fc", "", "", ""],
    kind=["trained layer", "untrained twin"] * 2 + ["control"] * 3,
    seed=[12, 12, 12, 12, np.nan, np.nan, np.nan],
    ceiling_lower=found.ceiling.lower,
    ceiling_upper=found.ceiling.upper,
)
panel = figures.similarity_bars(bars, found.pairs)

# %%
pairs = found.pairs.set_index(["model", "other"])[["difference", "low", "high", "p", "p_holm"]]
interesting = [
    ("pool, trained", "fc, trained"),
    ("pool, trained", "pool, untrained"),
    ("fc, trained", "fc, untrained"),
    ("pool, trained", "Fourier amplitude"),
]
display(pairs.loc[interesting].round(3))

# %% [markdown]
# The picture holds what the study's two bars leave out. Whiskers are 95 % intervals. The grey line at the right is the
# noise ceiling, so narrow because there are many neurons. A line with a dot leads from a model to those that it is
# significantly more similar than, after Holm's correction for many tests. A white dot at the foot of a bar says that
# the model is significantly more similar than for orientations exchanged at random. The table asks the four questions
# that matter.
#
# **To think about.** Write down, in two sentences, what this study shows about the tilt task and V1.
#
# <details markdown="1"><summary>Answer</summary>
#
# One fair version: *The pooling layer of the trained network is similar to the recording, but no more so than before
# training and no more so than the Fourier amplitude of the stimuli, so that its similarity is no evidence for the task.
# Training moves the layer `fc` towards the recording, but whether that holds for other stimuli and seeds is open, and
# `fc` stays below simple models of orientation.*
#
# It is open because the gratings were taken as a sample here. If they are all there are, the difference of 0.217 has
# an interval from 0.081 to 0.354 over other neurons and seeds (p = 0.019, not corrected), and `normenc run`, which asks
# that question about the one network that it trains, calls it significant. A sentence on a result names its scope.
#
# Note also what is not shown. A difference that is not significant does not make two models equal: the intervals say
# how large it may be.
#
# </details>

# %% [markdown]
# ### Could a smaller experiment have known?
#
# Had one of these models been the truth, would the data have named it? Simulate recordings from each model in turn,
# and see which model is the most similar one. Take an experiment of 12 gratings, 15 degrees apart, with 60 neurons and
# four trials of each. (`normenc identify` does this with the noise of a recording.)

# %%
candidates = {label: np.reshape(model, (-1, n_stimuli, n_stimuli))[0] for label, model in models.items()}
experiment = {"n_neurons": 60, "noise": 2, "n_repeats": 4}  # a trial's noise, in standard deviations of the signal


def named(places):
    """Simulate recordings of these gratings from each model, and let each name the most similar one."""
    some = {label: rdm[np.ix_(places, places)] for label, rdm in candidates.items()}
    return rsa.identification(some, **experiment)


evenly = named(np.arange(0, 180, 15))
display(evenly.matrix().round(2))

# %% [markdown]
# A row is a truth, a column what its recordings were taken for. No such experiment can tell the trained pooling layer
# from its untrained twin. Are there better gratings? `rsa.choose_stimuli` searches for those on which the models differ
# most against the noise, and `normenc design` also among images, and writes them.

# %%
pool_of_stimuli = {label: rdm[:180, :180] for label, rdm in candidates.items()}  # without the second horizontal one
chosen = rsa.choose_stimuli(pool_of_stimuli, 12, **experiment).stimuli
print("chosen orientations:", np.sort(orientation[chosen]).round().astype(int))
print(f"the truth is named: evenly spaced {evenly.rate().rate:.2f}, chosen {named(chosen).rate().rate:.2f}")

# %% [markdown]
# ## 9. Where to go (2 minutes)
#
# Is any of this different in real V1? The course printed a picture of its RDM. Numbers read off that picture may not
# come with normenc. If you have them as `v1_rdm_digitised.npz`, next to this notebook or in the folder named by
# `NORMENC_SHARED_DATA`, the next cell compares the same models with them.

# %%
file = Path(os.environ.get("NORMENC_SHARED_DATA", ".")) / "v1_rdm_digitised.npz"
if file.exists():
    real = recordings.load(file).rdm
    similarity = {label: np.mean(rsa.compare_rdms(model, real)) for label, model in models.items()}
    display(pd.DataFrame({"similarity with mouse V1": similarity}).round(3))
else:
    print("The RDM of V1 is not here. For the whole recording, run: normenc recordings fetch stringer2021")

# %% [markdown]
# - **The whole study, with controls, on one page:** `normenc run` in a terminal trains, compares and writes a report.
# - **Other tasks and networks.** Is there a task whose network beats the Fourier transform?
#   [The leaderboard](leaderboard.md) trains five networks on ten tasks, finds one candidate, and tests it.
#   [Your own task](encoders.md) takes about twenty lines.
# - **Your own recording.** [Any common format](recordings.md) will do; `normenc check` tells whether it is fit for the
#   question.
# - **Encoding models.** Can the neurons be *predicted* from a layer? [That is another question](encoding.md), and the
#   answers often disagree with those of RDMs.
# - **The statistics**, and [what they rest on](statistics.md).
#
# Things to try here:
#
# - Replace `"fc"` in section 8 by `"fc_relu"`.
# - Train `networks.FC`, and compare its layer `fc` with that of the convolutional network.
# - Give the gratings random phases, with `tasks.TiltDiscrimination(random_phase=True)`. Train FC, and then a network of
#   a single weighted sum. Which one still solves the task?
# - Train `lambda: networks.ConvPoolFC(n_outputs=2, output="linear")` on `tasks.OrientationEstimation()`, with
#   `learning_rate=0.03` and `momentum=0.9`. Which of its layers comes closer to the recording?
