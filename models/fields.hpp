#pragma once

#include "models/network.hpp"

// The fields of every layer kind, in one place. A visitor is called with (name, tensor, role) for
// tensors and (name, value) for numbers (double, int64_t, bool, Curve); walking, saving, loading
// and printing are visitors. A new layer kind adds its overload here, in forward.cpp and in
// certify/; the compiler names each place.
namespace taut::models {

template <class V>
void fields(V&& visit, Embedding& l) {
  visit("table", l.table, Role::embedding);
}
template <class V>
void fields(V&& visit, PixelNormalize& l) {
  visit("mean", l.mean, Role::constant);
  visit("std", l.std, Role::constant);
}
template <class V>
void fields(V&& visit, Patchify& l) {
  visit("patch", l.patch);
}
template <class V>
void fields(V&& visit, Position& l) {
  visit("table", l.table, Role::position);
}
template <class V>
void fields(V&& visit, Linear& l) {
  visit("weight", l.weight, Role::hidden);
  visit("bias", l.bias, Role::bias);
  visit("gain", l.gain);
}
template <class V>
void fields(V&& visit, Activation& l) {
  visit("curve", l.curve);
  visit("gain", l.gain);
}
template <class V>
void fields(V&& visit, BallClamp& l) {
  visit("radius", l.radius);
}
template <class V>
void fields(V&& visit, Normalize& l) {
  visit("weight", l.weight, Role::gain);
  visit("bias", l.bias, Role::bias);
  visit("eps", l.eps);
  visit("centered", l.centered);
}
template <class V>
void fields(V&& visit, Attention& l) {
  visit("query.weight", l.query, Role::query);
  visit("key.weight", l.key, Role::key);
  visit("value.weight", l.value, Role::value);
  visit("query.bias", l.query_bias, Role::bias);
  visit("key.bias", l.key_bias, Role::bias);
  visit("value.bias", l.value_bias, Role::bias);
  visit("output.weight", l.output, Role::output);
  visit("output.bias", l.output_bias, Role::bias);
  visit("position_bias", l.position_bias, Role::position_bias);
  visit("rotary", l.rotary, Role::rotary);
  visit("query_key_eps", l.query_key_eps);
  visit("query_key_clamp", l.query_key_clamp);
  visit("logit_scale", l.logit_scale);
  visit("gain", l.gain);
  visit("causal", l.causal);
}
template <class V>
void fields(V&& visit, Residual& l) {
  visit("keep", l.keep);
  visit("add", l.add);
}
template <class V>
void fields(V&&, Pool&) {}
template <class V>
void fields(V&& visit, Prepend& l) {
  visit("tokens", l.tokens, Role::position);
}
template <class V>
void fields(V&& visit, Select& l) {
  visit("token", l.token);
}
template <class V>
void fields(V&& visit, TokenShift& l) {
  visit("logits", l.logits, Role::gain);
}

}  // namespace taut::models
