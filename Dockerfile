# normenc in a container, on the CPU:
#     docker build -t normenc .
#     docker run --rm -v "$PWD:/data" normenc run --recording mine.npz
# with CUDA (the driver comes from the host):
#     docker build -t normenc:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu126 .
#     docker run --rm --gpus all -v "$PWD:/data" normenc:cuda run --device cuda
FROM python:3.11-slim-bookworm

# Of these sources, which come without their tags; tools/build_containers.sh says it.
ARG VERSION=""
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

COPY . /usr/src/normenc
WORKDIR /usr/src/normenc
# Packages of CUDA are those that this torch asks for, not those of the constraints.
RUN python -m pip install --no-cache-dir --index-url "${TORCH_INDEX}" "$(grep '^torch==' constraints.txt)" \
    && sed -i -E '/^(cuda|nvidia)-/d' constraints.txt \
    && SETUPTOOLS_SCM_PRETEND_VERSION="${VERSION}" python -m pip install --no-cache-dir --constraint constraints.txt ".[nets,files]" \
    && rm -rf /usr/src/normenc \
    && useradd --create-home --uid 1000 normenc

USER 1000
WORKDIR /data
ENTRYPOINT ["normenc"]
CMD ["--help"]
