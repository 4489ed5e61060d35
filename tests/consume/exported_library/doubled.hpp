#ifndef DOUBLED_HPP
#define DOUBLED_HPP

#include <parallelpipe/stage.hpp>

parallelpipe::Stage<int, int> doubled();

#endif
