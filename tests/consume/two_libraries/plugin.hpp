#ifndef PLUGIN_HPP
#define PLUGIN_HPP

#include <dlfcn.h>

#include <cstdlib>
#include <iostream>

/// The function of that name in a plugin, or the end of the program.
template <class Function>
Function* function_of(const char* plugin, int how, const char* name) {
    void* const opened = dlopen(plugin, RTLD_NOW | how);
    void* const function = opened ? dlsym(opened, name) : nullptr;
    if (!function) {
        std::cout << dlerror() << '\n';
        std::exit(1);
    }
    return reinterpret_cast<Function*>(function);
}

#endif
