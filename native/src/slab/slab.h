#pragma once
// Reference-counted byte blocks with room for a SIMD reader to run past their end.
//
//   +---------------- capacity ----------------+-- kPadding --+
//   | bytes                                    | not data     |
//   +------------------------------------------+--------------+
//
// A slab is used from one thread. The receive arena is a slab of fixed size; a frame that outgrows the
// arena's window gathers in a slab of its own, which grows geometrically and is then handed to JavaScript
// whole.
#include <cstddef>
#include <cstdint>

namespace ringwire {

class Slab {
 public:
  /** What a vectorised reader may touch after the last byte; simdjson asks for 64. */
  static constexpr size_t kPadding = 64;

  /** A slab with one reference, or nullptr where memory is short. */
  static Slab* create(size_t capacity);

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t capacity() const { return capacity_; }

  /** Makes room for `capacity` bytes and keeps those in place; false where memory is short (nothing changes).
   */
  bool grow(size_t capacity);

  /** Frees the bytes before the last reference is gone, for when nobody can reach them any more. */
  void discard();

  void retain() { ++references_; }
  /** Drops one reference; the last one frees the slab. */
  void release();

 private:
  Slab(uint8_t* data, size_t capacity) : data_(data), capacity_(capacity) {}
  ~Slab() = default;

  uint8_t* data_;
  size_t capacity_;
  uint32_t references_ = 1;
};

}  // namespace ringwire
