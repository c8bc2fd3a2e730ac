#include "nn/gemm/gemm.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "bertc/model.h"

static const bc_gemm_backend *const backends[] = {
    &bc_gemm_onednn,
    &bc_gemm_openblas,
    &bc_gemm_reference,
};
enum { BACKENDS = sizeof backends / sizeof *backends };

const char *bertc_backend_name(size_t index)
{
    return index < BACKENDS ? backends[index]->name : NULL;
}

void bc_gemm_describe(const char *name, char *out, size_t size)
{
    if (size) out[0] = '\0';
    for (size_t i = 0, used = 0; i < BACKENDS && used + 1 < size; i++) {
        if (name && strcmp(name, backends[i]->name) != 0) continue;
        if (used) out[used++] = '\n';
        backends[i]->describe(out + used, size - used);
        used += strlen(out + used);
    }
}

bertc_status bc_gemm_open(bc_gemm *gemm, const char *name, bertc_error *err)
{
    memset(gemm, 0, sizeof *gemm);
    for (size_t i = 0; i < BACKENDS; i++)
        if (!name || strcmp(name, backends[i]->name) == 0) {
            gemm->backend = backends[i];
            return gemm->backend->open(gemm, err);
        }
    return bc_fail(err, BERTC_USAGE, "unknown backend \"%s\"", name);
}

void bc_gemm_close(bc_gemm *gemm)
{
    if (gemm->backend) gemm->backend->close(gemm);
    memset(gemm, 0, sizeof *gemm);
}

bertc_status bc_gemm_open_like(bc_gemm *gemm, const bc_gemm *other, bertc_error *err)
{
    bertc_status status = bc_gemm_open(gemm, other->backend->name, err);
    if (status == BERTC_OK && other->bf16) status = bc_gemm_use_bf16(gemm, err);
    if (status != BERTC_OK) bc_gemm_close(gemm);
    return status;
}

bertc_status bc_gemm_status(const bc_gemm *gemm, bertc_error *err)
{
    if (gemm->error.status == BERTC_OK) return BERTC_OK;
    return bc_fail(err, gemm->error.status, "%s", gemm->error.message);
}

bertc_status bc_gemm_use_bf16(bc_gemm *gemm, bertc_error *err)
{
    const bc_gemm_backend *backend = gemm->backend;
    char text[256];
    if (!backend->bf16) return bc_fail(err, BERTC_USAGE, "backend %s has no bf16 products", backend->name);
    if (backend->bf16_is_native && !backend->bf16_is_native()) {
        backend->describe(text, sizeof text);
        return bc_fail(err, BERTC_USAGE, "this processor has no bf16 instructions (%s)", text);
    }
    gemm->bf16 = backend->bf16;
    gemm->tiles = backend->bf16_is_native ? bc_tiles_best() : &bc_tiles_plain;
    return BERTC_OK;
}

bertc_status bertc_precision_resolve(const char *backend, bertc_precision *precision, bertc_error *err)
{
    if (!precision) return bc_fail_null(err, __func__, "precision");
    if ((unsigned)*precision > BERTC_AUTO) return bc_fail(err, BERTC_USAGE, "unknown precision %d", (int)*precision);
    bc_gemm gemm;
    bertc_status status = bc_gemm_open(&gemm, backend, err);
    if (status == BERTC_OK && *precision == BERTC_BF16) status = bc_gemm_use_bf16(&gemm, err);
    if (status == BERTC_OK && *precision == BERTC_AUTO) {
        bool native = gemm.backend->bf16_is_native && gemm.backend->bf16_is_native();
        *precision = native ? BERTC_BF16 : BERTC_F32;
    }
    bc_gemm_close(&gemm);
    return status;
}

void bc_linear_fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d)
{
    assert(d.n > 0 && d.in > 0 && d.out > 0);
    if (gemm->error.status == BERTC_OK) gemm->backend->fwd(gemm, y, x, w, b, d);
}

void bc_linear_bwd_x(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate)
{
    assert(d.n > 0 && d.in > 0 && d.out > 0);
    if (gemm->error.status == BERTC_OK) gemm->backend->bwd_x(gemm, dx, dy, w, d, accumulate);
}

void bc_linear_bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate)
{
    assert(d.n > 0 && d.in > 0 && d.out > 0);
    if (dw && gemm->error.status == BERTC_OK) gemm->backend->bwd_w(gemm, dw, dy, x, d, accumulate);
}

void bc_bf16_fwd(bc_gemm *gemm, bc_matrix y, const uint16_t *x, const uint16_t *w, const float *b, bc_linear d)
{
    assert(d.n > 0 && d.in > 0 && d.out > 0);
    if (gemm->error.status == BERTC_OK) gemm->bf16->fwd(gemm, y, x, w, b, d);
}

void bc_bf16_bwd_x(bc_gemm *gemm, bc_matrix dx, const uint16_t *dy, const uint16_t *w, bc_linear d, bool accumulate)
{
    assert(dx.f32 || !accumulate);
    assert(d.n > 0 && d.in > 0 && d.out > 0);
    if (gemm->error.status == BERTC_OK) gemm->bf16->bwd_x(gemm, dx, dy, w, d, accumulate);
}

void bc_bf16_bwd_w(bc_gemm *gemm, float *dw, const uint16_t *dy, const uint16_t *x, bc_linear d, bool accumulate)
{
    assert(d.n > 0 && d.in > 0 && d.out > 0);
    if (dw && gemm->error.status == BERTC_OK) gemm->bf16->bwd_w(gemm, dw, dy, x, d, accumulate);
}

bertc_status bc_gemm_pack(bc_gemm *gemm, bc_matrix w, size_t in, size_t out, bc_packed **packed, bertc_error *err)
{
    *packed = NULL;
    if (!gemm->backend->packing) return BERTC_OK;
    *packed = gemm->backend->packing->pack(gemm, w, in, out);
    if (*packed) return BERTC_OK;
    return gemm->error.status == BERTC_OK ? bc_fail_memory(err) : bc_gemm_status(gemm, err);
}

bool bc_gemm_packs(const char *name)
{
    bc_gemm gemm;
    bool packs = bc_gemm_open(&gemm, name, NULL) == BERTC_OK && gemm.backend->packing &&
                 gemm.backend->packing->is_faster(&gemm);
    bc_gemm_close(&gemm);
    return packs;
}

void bc_gemm_unpack(bc_gemm *gemm, bc_packed *packed)
{
    if (packed) gemm->backend->packing->unpack(packed);
}

void bc_packed_fwd(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_packed *w, const float *b, bc_linear d)
{
    assert(d.n > 0 && d.in > 0 && d.out > 0);
    if (gemm->error.status == BERTC_OK) gemm->backend->packing->fwd(gemm, y, x, w, b, d);
}
