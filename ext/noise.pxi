# Random vectors for tokens that a store lacks: ext/noise.hpp.

cdef extern from "noise.hpp" namespace "glovestore" nogil:
    void c_normal_vectors "glovestore::normal_vectors"(const CStrings& tokens, const double* mean, const double* std,
                                                       size_t dim, float* out, const Kernels& kernels,
                                                       size_t threads) except +


def normal_vectors(Strings tokens not None, const double[::1] mean, const double[::1] std, float[:, ::1] out,
                   size_t threads=1, str tier=SIMD_TIERS[0]):
    cdef const Kernels* kernels = kernels_named(tier)
    require(<size_t> out.shape[0] == tokens.held.get().size(), "out does not fit tokens")
    require(mean.shape[0] == out.shape[1] and std.shape[0] == out.shape[1], "mean, std and out differ in length")
    if out.shape[0] == 0 or out.shape[1] == 0:
        return
    with nogil:
        c_normal_vectors(tokens.held.get()[0], &mean[0], &std[0], out.shape[1], &out[0, 0], kernels[0], threads)
